"""Runs apprise in a process of its own: bounded in time, and held to addresses that are allowed."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DEADLINE_SECONDS = 30.0
LONGEST_FAULT = 300
_BOOT = "import sys; sys.path.insert(0, sys.argv[1]); from api.apprise_child import main; main()"
_KEPT = ("PATH", "LANG", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE")


@dataclass(frozen=True)
class AppriseProcess:
    """How to start it: the setting of private addresses, and the variables of this process."""

    private: str
    environ: Mapping[str, str]

    def run(self, order: Mapping[str, Any]) -> str | None:
        """Check an address or send a message; return what is wrong, None when all went well."""
        asked = json.dumps({**order, "private": self.private}).encode()
        with tempfile.TemporaryDirectory(prefix="trueline-apprise-") as home:
            environ = {name: self.environ[name] for name in _KEPT if name in self.environ}
            process = subprocess.Popen(
                [sys.executable, "-I", "-c", _BOOT, str(Path(__file__).parent.parent)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,  # apprise could write addresses there
                cwd=home,
                env=environ | {"HOME": home},
                start_new_session=True,
            )
            try:
                said, _ = process.communicate(asked, DEADLINE_SECONDS)
            except subprocess.TimeoutExpired:
                return f"no answer within {DEADLINE_SECONDS:g} s"
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.communicate()
        return _fault(said)


def _fault(said: bytes) -> str | None:
    try:
        fault = json.loads(said)["fault"]
    except (ValueError, KeyError, TypeError):
        return "apprise broke off"
    if fault is None:
        return None
    return "".join(one if one.isprintable() else " " for one in str(fault))[:LONGEST_FAULT]
