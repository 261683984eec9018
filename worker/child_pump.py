"""Moves bytes between one running child and its readers, in the thread that runs the job."""

import fcntl
import os
import selectors
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Protocol

from worker.child_events import LineSplitter, Oversize
from worker.launcher import Exit, Running

CHUNK_BYTES = 64 * 1024
LEFT_IN_PIPE_BYTES = 1024 * 1024  # the most that a pipe holds for those without privileges
DROPPED_BYTES_A_SECOND = 200 * 1024 * 1024  # of what is not kept: faster would cost a processor


class Sink(Protocol):
    """Takes what a child prints."""

    @property
    def is_full(self) -> bool:
        """Whether it keeps nothing more."""

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes."""


class ChildPump:
    """One child's channels; `exit` says how it ended once nothing of its tree is left."""

    def __init__(
        self, running: Running, line_limit_bytes: int, sinks: tuple[Sink, Sink], wake: int | None
    ) -> None:
        self.exit: Exit | None = None
        self._running = running
        self._lines = LineSplitter(line_limit_bytes)
        self._sinks = {running.stdout: sinks[0], running.stderr: sinks[1]}
        for sink, printed in zip(sinks, running.printed_before, strict=True):
            if printed:
                sink.feed(printed)
        self._resting: dict[int, float] = {}  # channels that nobody reads before that moment
        self._wake = wake
        self._selector = selectors.DefaultSelector()
        channels: tuple[int | Running, ...] = (running.events, *self._sinks, running)
        for channel in channels:
            self._selector.register(channel, selectors.EVENT_READ)
        if wake is not None:
            self._selector.register(wake, selectors.EVENT_READ)
        if running.stdin is not None:
            self._selector.register(running.stdin, selectors.EVENT_WRITE)

    @property
    def unended_bytes(self) -> int:
        """How long the event line is by now that has not ended."""
        return self._lines.unended_bytes

    def turn(self, timeout_seconds: float) -> Iterator[bytes | Oversize]:
        """Wait for something to move, for so long at most; yield the event lines that came."""
        if self._running.has_word:  # then nothing may become readable any more
            self.exit = self._running.wait(0)
        patience = min(timeout_seconds, self._end_rests(time.monotonic()))
        for key, _ in self._selector.select(0.0 if self.exit else max(0.0, patience)):
            if key.fd == self._running.stdin:
                self._feed(key.fd)
            elif key.fileobj is self._running:
                self.exit = self._running.wait(0)
            elif key.fd == self._wake:
                self._selector.unregister(key.fd)  # the stop signal itself says why
            elif key.fd in self._sinks and self._sinks[key.fd].is_full:
                self._drop(key.fd)
            else:
                yield from self._read(key.fd)
        if self.exit is not None:
            yield from self._read_rest()

    def read_printed(self) -> None:
        """Read what has been printed until now."""
        for channel in self._sinks:
            for chunk in _read_what_is_there(channel):
                self._sinks[channel].feed(chunk)

    def let_go(self) -> None:
        """Read no more, and leave the child as it is."""
        self._selector.close()

    def close(self) -> None:
        """Give up the channels; a child that still runs is ended by that."""
        self.let_go()
        self._running.close()

    def _feed(self, stdin: int) -> None:
        if self._running.feed():
            with suppress(KeyError):
                self._selector.unregister(stdin)

    def _read(self, channel: int) -> Iterator[bytes | Oversize]:
        """Read what is there now; at its end the channel is left alone from then on."""
        chunk = _read_now(channel)
        if chunk == b"":
            self._selector.unregister(channel)
        elif chunk:
            yield from self._pass_on(channel, chunk)

    def _drop(self, channel: int) -> None:
        """Read what nobody wants, and then let the channel rest: its writer waits meanwhile."""
        _enlarge(channel)
        size_bytes = len(_read_now(channel, LEFT_IN_PIPE_BYTES) or b"")
        self._selector.unregister(channel)
        if size_bytes:
            self._resting[channel] = time.monotonic() + size_bytes / DROPPED_BYTES_A_SECOND

    def _end_rests(self, now: float) -> float:
        """Listen again where a rest is over; return in how many seconds the next one will be."""
        for channel, until in list(self._resting.items()):
            if now >= until:
                del self._resting[channel]
                self._selector.register(channel, selectors.EVENT_READ)
        return min(self._resting.values(), default=float("inf")) - now

    def _read_rest(self) -> Iterator[bytes | Oversize]:
        # Not to the channels' ends: a plugin may have handed one to a process that is not below it.
        for channel in (self._running.events, *self._sinks):
            for chunk in _read_what_is_there(channel):
                yield from self._pass_on(channel, chunk)

    def _pass_on(self, channel: int, chunk: bytes) -> Iterator[bytes | Oversize]:
        if channel == self._running.events:
            yield from self._lines.feed(chunk)
        else:
            self._sinks[channel].feed(chunk)


def _read_what_is_there(channel: int) -> Iterator[bytes]:
    """Yield what can be read now; of what is written meanwhile no more than a pipe holds."""
    left = LEFT_IN_PIPE_BYTES
    while left > 0 and (chunk := _read_now(channel)):
        left -= len(chunk)
        yield chunk


def _read_now(channel: int, most_bytes: int = CHUNK_BYTES) -> bytes | None:
    """Return what can be read, nothing at the end, None when there is nothing now."""
    try:
        return os.read(channel, most_bytes)
    except BlockingIOError:
        return None


def _enlarge(channel: int) -> None:
    """Let a pipe hold more, so that it is read less often; not every system can."""
    if sys.platform == "linux":
        with suppress(OSError):
            fcntl.fcntl(channel, fcntl.F_SETPIPE_SZ, LEFT_IN_PIPE_BYTES)
