"""An API or a worker as a process of its own, which can be killed in every way."""

import contextlib
import json
import os
import signal
from pathlib import Path
from typing import Any

import psutil

from tests import preloaded


class Process:
    """One of ours as `python -m`, with its log in a file."""

    def __init__(self, module: str, environ: dict[str, str], log: Path) -> None:
        self.log_path = log
        with log.open("ab") as stream:
            self._process = preloaded.start(module, environ, log.parent, stream)
        self.pid = self._process.pid

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill -9, and leave its children to themselves."""
        with contextlib.suppress(ProcessLookupError):
            self.signal(signal.SIGKILL)
        self._process.wait(30)

    def kill_group(self) -> None:
        """Kill -9 it and the processes that it serves with."""
        others = psutil.Process(self.pid).children(recursive=True)
        os.killpg(self.pid, signal.SIGKILL)
        self._process.wait(30)
        psutil.wait_procs(others, timeout=30)  # they may hold its port for a moment

    def stop(self) -> int:
        """SIGTERM, and wait for the orderly end."""
        self.signal(signal.SIGTERM)
        return self._process.wait(60)

    def wait(self) -> int:
        return self._process.wait(60)

    def has_ended(self) -> bool:
        """Fail with its log when it has ended; so this is always False."""
        assert self._process.poll() is None, self.log_path.read_text()
        return False

    def said(self, event: str, **values: Any) -> list[dict[str, Any]]:
        """Return the lines of its log with this event and these values."""
        lines = self.log_path.read_text().splitlines()
        entries = [json.loads(line) for line in lines if line.startswith("{")]
        return [
            entry
            for entry in entries
            if entry.get("event") == event
            and all(entry.get(name) == value for name, value in values.items())
        ]
