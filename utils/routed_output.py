"""What tasks print side by side: whole lines, each marked with the name of its task.

Python's own two streams are routed, whoever holds them, and threads that a task starts through
`threading` belong to it. What is written to the descriptors directly, by programs that a task
starts or by C code, passes as it is.
"""

import sys
from _thread import get_ident
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from contextvars import ContextVar
from threading import Thread
from typing import Any, Self, TextIO

LONGEST_LINE = 8192  # characters; a longer one is broken


class RoutedOutput:
    """Routes while it is entered; text of no task passes as it is."""

    def __init__(self) -> None:
        self._task: ContextVar[str] = ContextVar("task", default="")
        self._streams = [
            _RoutedStream(stream, self._task)
            for stream in (sys.__stdout__, sys.__stderr__)
            if stream is not None
        ]
        self._routes = ExitStack()

    def __enter__(self) -> Self:
        for stream in self._streams:
            self._routes.enter_context(stream.routed())
        self._routes.enter_context(self._threads_marked())
        return self

    def __exit__(self, *_error: object) -> None:
        self._routes.close()

    @contextmanager
    def marked(self, task: str) -> Iterator[None]:
        """Count what is printed here, and in threads started here, as a task's."""
        token = self._task.set(task)
        try:
            yield
        finally:
            self._task.reset(token)

    def end_line(self, task: str) -> None:
        """Let go of what a task has printed without an end of line."""
        for stream in self._streams:
            stream.end_line(task)

    @contextmanager
    def _threads_marked(self) -> Iterator[None]:
        current = self._task
        replaced = Thread.start  # another library may have put its own there

        def start(self: Thread) -> None:
            task = current.get()
            if task:
                vars(self)["run"] = _marking(current, task, self.run)
            replaced(self)

        Thread.start = start  # type: ignore[method-assign]  # threads have no hook for their starter
        try:
            yield
        finally:
            if Thread.start is start:
                Thread.start = replaced  # type: ignore[method-assign]  # same


class _RoutedStream:
    """One text stream, of which only `write` is replaced, on the object itself."""

    def __init__(self, stream: TextIO, task: ContextVar[str]) -> None:
        self._stream = stream
        self._task = task
        self._write = stream.write
        self._held: dict[tuple[str, int], str] = {}  # by task and thread: a line without its end

    @contextmanager
    def routed(self) -> Iterator[None]:
        """Replace `write`, and put back what was there."""
        attributes = vars(self._stream)
        before = attributes.get("write")
        attributes["write"] = self._take
        try:
            yield
        finally:
            del attributes["write"]
            if before is not None:
                attributes["write"] = before

    def end_line(self, task: str) -> None:
        """Write what a task holds back of a line."""
        for key in [key for key in tuple(self._held) if key[0] == task]:
            with suppress(OSError, ValueError):  # the plugin has closed the stream
                self._write(_marked(task, self._held.pop(key)))

    def _take(self, text: Any) -> int:
        task = self._task.get()
        if not task or not isinstance(text, str):
            return self._write(text)
        key = (task, get_ident())
        lines, end, rest = (self._held.pop(key, "") + text).rpartition("\n")
        if end:
            self._write(_marked(task, lines))
        while len(rest) > LONGEST_LINE:
            self._write(_marked(task, rest[:LONGEST_LINE]))
            rest = rest[LONGEST_LINE:]
        if rest:
            self._held[key] = rest
        return len(text)


def _marked(task: str, lines: str) -> str:
    return "".join(f"[{task}] {line}\n" for line in lines.split("\n"))


def _marking(current: ContextVar[str], task: str, run: Callable[[], None]) -> Callable[[], None]:
    def marked_run() -> None:
        current.set(task)
        run()

    return marked_run
