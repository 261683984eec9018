import asyncio
import contextlib
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from utils.deadline import TaskTimeout, seconds_left
from utils.thread_deadline import ThreadDeadline


class Caller:
    """Makes a call in a thread of its own, and keeps how it ended."""

    def __init__(self, call: Callable[[], Any]) -> None:
        self.deadline = ThreadDeadline()
        self.ends: list[Any] = []
        self._call = call
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def end(self) -> Any:
        self.thread.join(20)
        (end,) = self.ends
        return end

    def _run(self) -> None:
        try:
            self.ends.append(self.deadline.call_within(60, self._call))
        except BaseException as error:  # noqa: BLE001 - kept for the test
            self.ends.append(error)


def test_a_value_in_time_is_returned_and_a_later_ring_does_nothing() -> None:
    caller = Caller(lambda: 7)
    assert caller.end() == 7
    caller.deadline.ring()


def test_a_busy_call_is_stopped() -> None:
    begun = threading.Event()

    def count() -> None:
        begun.set()
        while True:
            pass

    caller = Caller(count)
    begun.wait()
    caller.deadline.ring()
    assert isinstance(caller.end(), TaskTimeout)


def test_it_is_raised_once_and_a_call_that_swallows_it_has_timed_out_all_the_same() -> None:
    begun, go_on = threading.Event(), threading.Event()
    swallowed: list[BaseException] = []

    def stubborn() -> str:
        begun.set()
        try:
            while True:
                pass
        except BaseException as error:  # noqa: BLE001 - what plugins should not write
            swallowed.append(error)
        go_on.wait()
        return "done"

    caller = Caller(stubborn)
    begun.wait()
    caller.deadline.ring()
    caller.deadline.ring()
    go_on.set()
    assert isinstance(caller.end(), TaskTimeout)
    assert len(swallowed) == 1


def test_except_exception_does_not_catch_it() -> None:
    begun = threading.Event()

    def stubborn() -> None:
        begun.set()
        while True:
            with contextlib.suppress(Exception):
                sum(range(100))

    caller = Caller(stubborn)
    begun.wait()
    caller.deadline.ring()
    assert isinstance(caller.end(), TaskTimeout)


def test_async_code_is_stopped_once_its_loop_turns() -> None:
    loops: list[asyncio.AbstractEventLoop] = []
    begun = threading.Event()

    async def work() -> None:
        loops.append(asyncio.get_running_loop())
        begun.set()
        await asyncio.gather(asyncio.sleep(60), asyncio.sleep(60), return_exceptions=True)

    caller = Caller(lambda: asyncio.run(work()))
    begun.wait()
    caller.deadline.ring()
    loops[0].call_soon_threadsafe(int)
    assert isinstance(caller.end(), TaskTimeout)


def test_a_call_that_waits_in_the_system_is_stopped_when_it_comes_back() -> None:
    begun, gate = threading.Event(), threading.Lock()
    gate.acquire()

    def wait() -> str:
        begun.set()
        gate.acquire()
        return "never"

    caller = Caller(wait)
    begun.wait()
    caller.deadline.ring()
    gate.release()
    assert isinstance(caller.end(), TaskTimeout)


def test_an_error_of_the_call_passes() -> None:
    assert isinstance(Caller(lambda: 1 / 0).end(), ZeroDivisionError)


def test_a_ring_before_the_call_stops_it_from_beginning() -> None:
    deadline = ThreadDeadline()
    deadline.ring()
    with pytest.raises(TaskTimeout):
        deadline.call_within(60, lambda: pytest.fail("it began"))


@pytest.fixture
def hasty_switches() -> Iterator[None]:
    """Let threads take turns all the time."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("hasty_switches")
def test_rings_about_the_end_of_their_call_never_reach_what_follows_it() -> None:
    outside: list[BaseException] = []

    def run(deadline: ThreadDeadline, call: Callable[[], None]) -> None:
        try:
            with contextlib.suppress(TaskTimeout):
                deadline.call_within(60, call)
            for number in range(100):
                sum(range(number))
        except BaseException as error:  # noqa: BLE001 - none may come
            outside.append(error)

    for number in range(1000):
        deadline, begun, stop = ThreadDeadline(), threading.Event(), threading.Event()

        def call(begun: threading.Event = begun, stop: threading.Event = stop) -> None:
            begun.set()
            while not stop.is_set():
                pass

        thread = threading.Thread(target=run, args=(deadline, call))
        thread.start()
        begun.wait()
        stop.set()
        for _ in range(number * 7919 % 10000):
            pass
        deadline.ring()
        thread.join()
    assert outside == []


def test_a_call_in_a_thread_knows_how_long_it_may_still_take() -> None:
    left = Caller(seconds_left).end()
    assert 0 < left <= 60
