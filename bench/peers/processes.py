"""The processes of one peer: started with an environment of their own, looked after, all ended."""

import os
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from utils.errors import TruelineError
from utils.process_tree import end_descendants

LOOK_SECONDS = 0.1
COMMAND_SECONDS = 120.0
END_SECONDS = 20.0


class PeerUnavailable(TruelineError):  # noqa: N818 - reads as the state it reports
    """A peer cannot be set up or does not do its work here."""


class Processes:
    """Starts programs in `directory`; `end` takes all that is below this process along."""

    def __init__(self, directory: Path, programs: Path) -> None:
        self.directory = directory
        self._environ = {
            "PATH": f"{programs}{os.pathsep}{os.defpath}",
            "HOME": str(directory),
            "TMPDIR": str(directory),
            "LANG": "C.UTF-8",
            "PYTHONWARNINGS": "ignore",
        }
        self._servers: dict[str, subprocess.Popen[bytes]] = {}

    def set_environment(self, values: Mapping[str, str]) -> None:
        """Give variables to all that is started from now on."""
        self._environ.update(values)

    def run(self, *command: str) -> None:
        """Run a command to its end; raises PeerUnavailable when it fails."""
        log = self.directory / "commands.log"
        with log.open("ab") as output:
            process = self._popen(command, output.fileno())
            try:
                code = process.wait(COMMAND_SECONDS)
            except subprocess.TimeoutExpired as error:
                raise self._failed(f"{_name(command)} did not end", log) from error
        if code:
            raise self._failed(f"{_name(command)} ended with code {code}", log)

    def start(self, *command: str) -> None:
        """Start a server."""
        name = f"{len(self._servers)}-{_name(command)}"
        with self._log(name).open("wb") as output:
            self._servers[name] = self._popen(command, output.fileno())

    def pipe(self, command: list[str]) -> subprocess.Popen[bytes]:
        """Start a process that is talked to over its stdin and stdout."""
        with self._log("driver").open("wb") as output:
            return subprocess.Popen(
                command,
                cwd=self.directory,
                env=self._environ,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
            )

    def wait_until(self, ready: Callable[[], bool], seconds: float, what: str) -> None:
        """Wait for a condition; raises PeerUnavailable when a server ends or time is over."""
        end = time.monotonic() + seconds
        while not ready():
            for name, process in self._servers.items():
                if process.poll() is not None:
                    reason = f"{name} ended with code {process.returncode}"
                    raise self._failed(reason, self._log(name))
            if time.monotonic() > end:
                raise PeerUnavailable(f"{what} was not ready within {seconds:.0f} s")
            time.sleep(LOOK_SECONDS)

    def end(self) -> None:
        """Kill every process below this one, which must be a subreaper."""
        end_descendants(END_SECONDS)

    def last_words(self, name: str) -> str:
        """Return the last line that a process has logged."""
        return _last_line(self._log(name))

    def _popen(self, command: tuple[str, ...], output: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command,
            cwd=self.directory,
            env=self._environ,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )

    def _log(self, name: str) -> Path:
        return self.directory / f"{name}.log"

    def _failed(self, what: str, log: Path) -> PeerUnavailable:
        return PeerUnavailable(f"{what}: {_last_line(log)}")


def free_port() -> int:
    """Return a port of loopback that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def answers(port: int) -> bool:
    """Whether somebody listens on a port of loopback."""
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def _name(command: tuple[str, ...]) -> str:
    return "-".join([Path(command[0]).name, *command[1:2]])


def _last_line(log: Path) -> str:
    lines = log.read_text("utf-8", errors="replace").split("\n") if log.exists() else []
    return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")
