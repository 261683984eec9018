import asyncio
import signal
import time

import pytest

from utils.deadline import TaskTimeout, call_within, seconds_left


def test_a_value_in_time_is_returned_and_nothing_rings_later() -> None:
    assert call_within(60, lambda: 7) == 7
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    signal.raise_signal(signal.SIGALRM)


def test_a_call_that_hangs_is_stopped() -> None:
    with pytest.raises(TaskTimeout):
        call_within(0.05, lambda: time.sleep(60))
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_a_busy_call_is_stopped() -> None:
    def count() -> None:
        while True:
            pass

    with pytest.raises(TaskTimeout):
        call_within(0.05, count)


def test_except_exception_does_not_catch_it() -> None:
    def stubborn() -> None:
        while True:
            try:
                time.sleep(60)
            except Exception:  # noqa: BLE001 - what plugins write
                continue

    with pytest.raises(TaskTimeout):
        call_within(0.05, stubborn)


def test_a_call_that_swallows_it_has_timed_out_all_the_same() -> None:
    def stubborn() -> str:
        try:
            time.sleep(60)
        except BaseException:  # noqa: BLE001 - what plugins should not write
            return "done"
        return "never"

    with pytest.raises(TaskTimeout):
        call_within(0.05, stubborn)


def test_async_code_is_stopped_from_inside_a_gather() -> None:
    async def work() -> None:
        sleeps = [asyncio.sleep(60) for _ in range(3)]
        await asyncio.gather(*sleeps, return_exceptions=True)

    with pytest.raises(TaskTimeout):
        call_within(0.05, lambda: asyncio.run(work()))


def test_an_error_of_the_call_passes_and_disarms() -> None:
    with pytest.raises(ZeroDivisionError):
        call_within(60, lambda: 1 / 0)
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_many_deadlines_that_end_with_their_call_never_ring_outside() -> None:
    rang = 0
    for _ in range(300):
        try:
            call_within(0.001, lambda: time.sleep(0.00095))
        except TaskTimeout:
            rang += 1
        sum(range(200))
    assert 0 <= rang <= 300


def test_a_call_knows_how_long_it_may_still_take() -> None:
    assert seconds_left() is None
    left = call_within(60, seconds_left)
    assert left is not None
    assert 0 < left <= 60
    assert call_within(60, lambda: asyncio.run(asyncio.to_thread(seconds_left))) is not None
    assert call_within(0, seconds_left) is None
    assert seconds_left() is None
