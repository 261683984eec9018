"""Commands of a page that stay until Ctrl-C, and terminals that remember what was exported."""

import os
import re
import signal
import subprocess
import threading
import time
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from tests.docs.conftest import Ran, Shell

START_SECONDS = 120
STOP_SECONDS = 60
ADDRESS = r"http://\S+"
_LASTS = ("cd ", "export ", "umask ")


class Running:
    """A command that stays until Ctrl-C; `found` is what it says of itself."""

    def __init__(self, script: str, shell: "Shell", sign: str = ADDRESS) -> None:
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", shell.meant(script)],
            cwd=shell.directory,
            env=dict(shell.environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        assert self._process.stdout is not None
        self._said: list[str] = []
        self._reader = threading.Thread(target=self._read, args=(self._process.stdout,))
        self._reader.start()
        self.found = self._look_for(sign)

    @property
    def said(self) -> str:
        """What it has printed so far."""
        return "".join(self._said)

    def interrupt(self) -> str:
        """Press Ctrl-C, which a terminal sends to the whole group; return all that was said."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGINT)
        self._process.wait(STOP_SECONDS)
        self._reader.join()
        return self.said

    def _read(self, stream: IO[str]) -> None:
        with stream:
            self._said.extend(stream)

    def _look_for(self, sign: str) -> str:
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and self._process.poll() is None:
            if found := re.search(sign, self.said):
                return found[0]
            time.sleep(0.05)
        raise AssertionError(self.interrupt())


class Terminal:
    """A shell in which `export`, `umask` and `cd` hold for the commands that follow."""

    def __init__(self, shell: "Shell") -> None:
        self._shell = shell
        self._before: list[str] = []

    def type(self, commands: list[str], code: int = 0) -> "list[Ran]":
        """Run commands one after the other; each has to end with `code`."""
        return [self._type(command, code) for command in commands]

    def start(self, command: str, sign: str) -> Running:
        """Start a command that stays, and wait until it gives a sign."""
        return Running(self._script(f"exec {command}"), self._shell, sign)

    def _type(self, command: str, code: int) -> "Ran":
        ran = self._shell(self._script(command), code)
        if command.startswith(_LASTS):
            self._before.append(command)
        return ran

    def _script(self, command: str) -> str:
        return "\n".join([*self._before, command])
