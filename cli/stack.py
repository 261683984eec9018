"""An API and a worker as two processes of this command, started in order and ended with it."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import IO, Any, Self

from api.listener import ADDRESS_FILE
from cli.client import Client
from cli.exits import Exit
from cli.passes import Passes
from utils.errors import TruelineError
from utils.files import make_data_directory
from utils.parent_death import end_with_parent
from utils.settings import Settings

START_SECONDS = 60.0
STOP_SECONDS = 40.0
LOOK_SECONDS = 0.02
MOST_LAST_LINES = 3
OF_THE_API = frozenset({"TRUELINE_SIGNING_KEY_FILE", "TRUELINE_OIDC_CLIENT_SECRET_FILE"})

LogLine = dict[str, Any]


class StackError(TruelineError):
    """A process of the stack could not start, or ended by itself."""

    exit_code = Exit.FAILED


class Stack:
    """Use as a context manager; `address` is where the API listens.

    `on_worker_log` hears each line that the worker logs.
    """

    def __init__(
        self,
        settings: Settings,
        environ: Mapping[str, str],
        on_worker_log: Callable[[LogLine], None] = lambda _: None,
    ) -> None:
        self._settings = settings
        self._environ = {**environ, "TRUELINE_DATA_DIR": str(settings.data_dir)}
        self._on_worker_log = on_worker_log
        self._logs = settings.data_dir / "logs"
        self._processes: dict[str, subprocess.Popen[str]] = {}
        self._readers: list[threading.Thread] = []
        self._ready = threading.Event()
        self._passes = Passes(settings)
        self.address = ""

    def __enter__(self) -> Self:
        make_data_directory(self._settings.data_dir)
        self._logs.mkdir(mode=0o700, exist_ok=True)
        try:
            self._start_api()
            self._passes.issue()
            self._start_worker()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def client(self) -> Client:
        """Return a client of the API, with a token of its own where one is needed."""
        return Client(self.address, self._passes.command or self._settings.token)

    @property
    def pids(self) -> Mapping[str, int]:
        """The process id of each process, by its name."""
        return {name: process.pid for name, process in self._processes.items()}

    def check(self) -> None:
        """Raise StackError when a process has ended by itself."""
        for name, process in self._processes.items():
            if process.poll() is not None:
                raise self._ended(name)

    def wait_until_ready(self, timeout_seconds: float) -> None:
        """Wait until the worker takes jobs; raises StackError when it ends or takes too long."""
        end = time.monotonic() + timeout_seconds
        while not self._ready.wait(LOOK_SECONDS):
            self.check()
            if time.monotonic() > end:
                raise StackError(
                    f"the worker was not ready within {timeout_seconds:.0f} s",
                    f"read {self._log_file('worker')}, then try again",
                )

    def stop(self) -> None:
        """End the worker, then the API; a process that does not end in time is killed."""
        for name in ("worker", "api"):
            process = self._processes.pop(name, None)
            if process is not None:
                _end(process)
        for reader in self._readers:
            reader.join()
        self._readers.clear()
        self._passes.withdraw()

    def _start_api(self) -> None:
        address_file = self._settings.data_dir / ADDRESS_FILE
        address_file.unlink(missing_ok=True)
        environ = {"TRUELINE_API_PORT": str(self._settings.api_port)}
        self._start("api", environ, lambda _: None)
        end = time.monotonic() + START_SECONDS
        while not address_file.exists():
            self.check()
            if time.monotonic() > end:
                raise StackError(
                    f"the API did not start within {START_SECONDS:.0f} s",
                    f"read {self._log_file('api')}",
                )
            time.sleep(LOOK_SECONDS)
        self.address = address_file.read_text(encoding="utf-8").strip()

    def _start_worker(self) -> None:
        environ = {"TRUELINE_API_URL": self.address, "TRUELINE_SECRET_KEY": ""}  # the API's alone
        if self._passes.worker:
            environ["TRUELINE_TOKEN"] = self._passes.worker
        self._start("worker", environ, self._hear_worker)

    def _hear_worker(self, line: LogLine) -> None:
        if line.get("event") == "worker ready":
            self._ready.set()
        self._on_worker_log(line)

    def _start(
        self, name: str, environ: Mapping[str, str], on_log: Callable[[LogLine], None]
    ) -> None:
        process = subprocess.Popen(
            [sys.executable, "-m", name],
            env={**self._known_to(name), **environ, "TRUELINE_LOG_FORMAT": "json"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
            preexec_fn=partial(end_with_parent, signal.SIGTERM),  # noqa: PLW1509 - it takes no lock
        )
        self._processes[name] = process
        assert process.stderr is not None  # noqa: S101 - it is a pipe, see above
        reader = threading.Thread(
            target=_read_log, args=(process.stderr, self._log_file(name), on_log), daemon=True
        )
        reader.start()
        self._readers.append(reader)

    def _known_to(self, name: str) -> Mapping[str, str]:
        """Return the variables of a process: what guards the API is not told to the worker."""
        if name == "api":
            return self._environ
        return {key: value for key, value in self._environ.items() if key not in OF_THE_API}

    def _log_file(self, name: str) -> Path:
        return self._logs / f"{name}.log"

    def _ended(self, name: str) -> StackError:
        code = self._processes[name].wait()
        for reader in self._readers:
            reader.join(timeout=1)
        log = self._log_file(name)
        if code < 0:
            killed_by = signal.Signals(-code).name
            return StackError(
                f"the {name} was killed by {killed_by}", f"start again; its log: {log}"
            )
        reason, advice = _last_words(log)
        return StackError(
            f"the {name} ended with code {code}: {reason}",
            f"{advice or 'read its log'}; log: {log}",
        )


def _end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _read_log(stream: IO[str], path: Path, on_log: Callable[[LogLine], None]) -> None:
    with stream, path.open("w", encoding="utf-8") as file:
        for line in stream:
            file.write(line)
            file.flush()
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if isinstance(entry, dict):
                on_log(entry)


def _last_words(path: Path) -> tuple[str, str]:
    """Return what a log says last and its advice: an event's, or the plain lines after it."""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else []
    plain: list[str] = []
    for line in reversed(lines[-MOST_LAST_LINES:]):
        try:
            entry = json.loads(line)
        except ValueError:
            plain.insert(0, line.strip())
            continue
        if not plain:
            return str(entry.get("reason") or entry.get("event")), str(entry.get("advice") or "")
        break
    return "; ".join(plain) or "it said nothing", ""
