"""Moves bytes between one running child and its readers, in the thread that runs the job."""

import os
import selectors
from collections.abc import Iterator
from contextlib import suppress
from typing import Protocol

from worker.child_events import LineSplitter, Oversize
from worker.launcher import Exit, Running

CHUNK_BYTES = 64 * 1024
LEFT_IN_PIPE_BYTES = 1024 * 1024  # the most that a pipe holds for those without privileges


class Sink(Protocol):
    """Takes what a child prints."""

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
        for key, _ in self._selector.select(0.0 if self.exit else max(0.0, timeout_seconds)):
            if key.fd == self._running.stdin:
                self._feed(key.fd)
            elif key.fileobj is self._running:
                self.exit = self._running.wait(0)
            elif key.fd == self._wake:
                self._selector.unregister(key.fd)  # the stop signal itself says why
            else:
                yield from self._read(key.fd)
        if self.exit is not None:
            yield from self._read_rest()

    def read_printed(self) -> None:
        """Read what has been printed until now."""
        for channel in self._sinks:
            while chunk := _read_now(channel):
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

    def _read_rest(self) -> Iterator[bytes | Oversize]:
        # Not to the channels' ends: a plugin may have handed one to a process that is not below it.
        for channel in (self._running.events, *self._sinks):
            left = LEFT_IN_PIPE_BYTES
            while left > 0 and (chunk := _read_now(channel)):
                left -= len(chunk)
                yield from self._pass_on(channel, chunk)

    def _pass_on(self, channel: int, chunk: bytes) -> Iterator[bytes | Oversize]:
        if channel == self._running.events:
            yield from self._lines.feed(chunk)
        else:
            self._sinks[channel].feed(chunk)


def _read_now(channel: int) -> bytes | None:
    """Return what can be read, nothing at the end, None when there is nothing now."""
    try:
        return os.read(channel, CHUNK_BYTES)
    except BlockingIOError:
        return None
