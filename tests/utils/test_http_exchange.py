"""The course of a request without a driver; with real servers it is tested in test_http."""

import logging
from collections.abc import Sequence

import pytest

from utils.errors import IntegrationRateLimited, IntegrationTemporaryError
from utils.http_answer import Answer, Fault
from utils.http_exchange import LIMIT_WAIT_SECONDS, Exchange, Pause, Rules, Send, exchange
from utils.http_log import CallLog
from utils.http_order import Order

ORDER = Order("GET", "https://h/a", {}, None, 30.0, repeatable=True)
FINE = Answer(200, {}, b"1")


class FixedLimit:
    def __init__(self, *waits: float | None) -> None:
        self.asked: list[float] = []
        self._waits = list(waits)

    def reserve(self, longest_seconds: float) -> float | None:
        self.asked.append(longest_seconds)
        return self._waits.pop(0)


def begun(limit: FixedLimit | None = None, left: float | None = None) -> Exchange:
    rules = Rules(3, 120.0, lambda: left, lambda: 0.0, lambda: 0.0, limit)
    return exchange(ORDER, rules, CallLog(logging.getLogger("test"), 3))


def steps_of(course: Exchange, outcomes: Sequence[Answer | Fault]) -> list[str]:
    told, waiting = [], list(outcomes)
    outcome: Answer | Fault | None = None
    try:
        while True:
            step = course.send(outcome)
            told.append("send" if isinstance(step, Send) else f"wait {step.seconds:g}")
            outcome = waiting.pop(0) if isinstance(step, Send) else None
    except StopIteration as end:
        told.append(f"answer {end.value.status}")
    return told


def test_a_fine_answer_ends_it() -> None:
    assert steps_of(begun(), [FINE]) == ["send", "answer 200"]


def test_attempts_and_waits_take_turns() -> None:
    told = steps_of(begun(), [Fault("a"), Answer(500, {}, b""), FINE])
    assert told == ["send", "wait 0.5", "send", "wait 1", "send", "answer 200"]


def test_each_attempt_needs_a_permission() -> None:
    limit = FixedLimit(0.0, 2.0)
    told = steps_of(begun(limit), [Fault("a"), FINE])
    assert told == ["send", "wait 0.5", "wait 2", "send", "answer 200"]
    assert limit.asked == [LIMIT_WAIT_SECONDS] * 2


def test_a_permission_that_would_come_too_late_is_an_error() -> None:
    limit = FixedLimit(None)
    with pytest.raises(IntegrationRateLimited, match="our own rate limit"):
        next(begun(limit, left=4.0))
    assert limit.asked == [4.0]


def test_what_is_left_of_the_task_bounds_the_time_out() -> None:
    step = next(begun(left=4.0))
    assert isinstance(step, Send)
    assert step.order.timeout_seconds == 4.0


def test_a_driver_that_was_stopped_leaves_nothing_behind() -> None:
    course = begun()
    next(course)
    course.close()
    with pytest.raises(StopIteration):
        next(course)


def test_the_last_error_is_raised() -> None:
    course = begun()
    next(course)
    assert isinstance(course.send(Fault("a")), Pause)
    course.send(None)
    course.send(Fault("b"))
    course.send(None)
    with pytest.raises(IntegrationTemporaryError, match="c"):
        course.send(Fault("c"))
