"""The soft deadline of a call that has a thread of its own: an exception raised in it from outside.

It arrives when the call next runs Python code, so a call that waits in the operating system goes on
waiting. Signals, which do interrupt that, reach the main thread alone.
"""

import time
from _thread import get_ident
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from utils.deadline import Deadline, TaskTimeout, end_deadline, note_deadline

T = TypeVar("T")

_Setter = Callable[[int, type[BaseException] | None], Any]


class ThreadDeadline:
    """For one call: its own thread makes it, another one rings.

    Only one step of it is atomic at a time, so each side first says what it is about to do and then
    looks at what the other has said.
    """

    def __init__(self) -> None:
        self._thread: int | None = None
        self._is_over = False
        self._is_ringing = False
        self._rang = False
        self._set_exception: _Setter | None = None

    def call_within(self, seconds: float, call: Callable[[], T]) -> T:
        """Return what `call` returns, or raise TaskTimeout once another thread has rung.

        A call that swallows the exception and returns all the same has still timed out.
        """
        self._thread = get_ident()
        deadline = note_deadline(seconds)
        try:
            if self._rang:
                raise TaskTimeout
            value = call()
        finally:
            self._end(deadline)
        if self._rang:
            raise TaskTimeout
        return value

    def ring(self) -> None:
        """Raise TaskTimeout in the call, once; does nothing when that is over."""
        self._is_ringing = True
        try:
            with suppress(ImportError, OSError, MemoryError):  # then it is not stopped, that is all
                self._set_exception = _exception_setter()
            if self._is_over or self._rang:
                return
            self._rang = True
            if self._thread is not None and self._set_exception is not None:
                self._set_exception(self._thread, TaskTimeout)
        finally:
            self._is_ringing = False

    def _end(self, deadline: Deadline | None) -> None:
        """Leave the thread with no exception under way to it; it may also be raised in here."""
        self._is_over = True
        while self._is_ringing:
            time.sleep(0.0001)
        if self._set_exception is not None:
            self._set_exception(get_ident(), None)
        end_deadline(deadline)


def _exception_setter() -> _Setter:
    import ctypes  # noqa: PLC0415 - 4 ms, only once a task overruns

    set_exception = ctypes.pythonapi.PyThreadState_SetAsyncExc

    def set_in(thread: int, kind: type[BaseException] | None) -> None:
        set_exception(ctypes.c_ulong(thread), None if kind is None else ctypes.py_object(kind))

    return set_in
