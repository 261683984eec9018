"""Whose logs take the lines of the running code: a task's, or StageOne's."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar


class TaskLines:
    """The logs of one call of a plugin, as long as it runs; `debug`: they keep DEBUG lines too."""

    def __init__(self, add: Callable[[object], None], *, debug: bool) -> None:
        self.add = add
        self.debug = debug
        self.is_open = True


# Of the call that this context belongs to: each thread and each asynchronous task has its own.
_CURRENT: ContextVar[TaskLines | None] = ContextVar("trueline_task_lines", default=None)


@contextmanager
def lines_to(add: Callable[[object], None], *, debug: bool) -> Iterator[None]:
    """Let what is logged inside go to `add`."""
    lines = TaskLines(add, debug=debug)
    token = _CURRENT.set(lines)
    try:
        yield
    finally:
        lines.is_open = False
        _CURRENT.reset(token)


def current_lines(known: TaskLines | None = None) -> TaskLines | None:
    """Return the logs of the running call; in a thread that belongs to none the `known` ones."""
    for lines in (_CURRENT.get(), known):
        if lines is not None and lines.is_open:
            return lines
    return None
