"""The worker's side of what jobs share: gives each child a line, and keeps the process that serves.

When that process is lost, another is started for the jobs to come; those that run go on with caches
and token buckets of their own.
"""

import hashlib
import json
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, Self

import structlog

from utils.errors import SettingsError
from utils.settings import Settings
from worker.side_process import start_side_process

RESTART_SECONDS = 10.0  # between two starts at least
SCOPE_CHARACTERS = 32

log = structlog.get_logger()


class Sharing(Protocol):
    """Gives children of jobs their lines; any thread may call it."""

    def line(self, integration: str, config: Mapping[str, Any]) -> socket.socket | None:
        """Return a child's end of a new line; None: it has none."""

    def close(self) -> None:
        """End what serves."""


class NotShared:
    """Each job has its own."""

    def line(self, _integration: str, _config: Mapping[str, Any]) -> socket.socket | None:
        """Return nothing."""
        return None

    def close(self) -> None:
        """Close nothing."""


class Commons:
    """The process, and the socket over which it gets lines."""

    def __init__(
        self, arguments: tuple[str, ...], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._arguments = arguments
        self._clock = clock
        self._lock = threading.Lock()
        self._control: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._is_open = True
        self._start_at = float("-inf")

    @classmethod
    def start(cls, settings: Settings) -> Self:
        """Start what serves the jobs of this worker; raises SettingsError."""
        url_file = settings.redis_url_file
        if url_file is not None:
            _check_readable(url_file)
        folder = settings.data_dir / "commons"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        place = "" if url_file is None else str(url_file.resolve())
        commons = cls((str(folder.resolve()), place, settings.log_format))
        with commons._lock:
            commons._begin()
        return commons

    @property
    def pid(self) -> int:
        """The process that serves now."""
        return self._process.pid if self._process else 0

    def line(self, integration: str, config: Mapping[str, Any]) -> socket.socket | None:
        """Return a child's end of a new line; one that is dead where nothing serves now."""
        ours, childs = socket.socketpair()
        whose = {"integration": integration, "scope": scope_of(config)}
        with ours, self._lock:
            if not self._hand_over(whose, ours):
                self._replace()
                self._hand_over(whose, ours)
        return childs

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self._is_open = False
            self._end()

    def _hand_over(self, whose: Mapping[str, str], line: socket.socket) -> bool:
        if self._control is None:
            return False
        try:
            socket.send_fds(self._control, [json.dumps(whose).encode()], [line.fileno()])
        except OSError:  # it ended, or it takes nothing any more
            return False
        return True

    def _replace(self) -> None:
        self._end()
        if not self._is_open or self._clock() < self._start_at:
            return
        advice = "none needed; look for what ends the worker's processes if it comes again"
        log.warning("what jobs share was lost", reason="its process ended", advice=advice)
        try:
            self._begin()
        except OSError as error:
            log.warning("what jobs share does not start", reason=str(error), advice=advice)

    def _begin(self) -> None:
        self._start_at = self._clock() + RESTART_SECONDS
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        with theirs:
            self._process = start_side_process(
                "commons_process.serve_commons", theirs, *self._arguments
            )
        self._control = ours

    def _end(self) -> None:
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@contextmanager
def opened_line(line: socket.socket | None) -> Iterator[socket.socket | None]:
    """Close a child's end here once the child has it."""
    try:
        yield line
    finally:
        if line is not None:
            line.close()


def scope_of(config: Mapping[str, Any]) -> str:
    """Name those that share values: who has another config sees other things at the same remote."""
    text = json.dumps(config, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:SCOPE_CHARACTERS]


def _check_readable(url_file: Path) -> None:
    try:
        url_file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"setting TRUELINE_REDIS_URL_FILE: {str(url_file)!r} cannot be read ({error})",
            "write a URL such as redis://:password@host:6379/0 into it",
        ) from error
