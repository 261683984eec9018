import asyncio
import sys
import time
from typing import Any, NoReturn

import pytest

from utils.plugin_call import call_given_up, call_plugin, settled


class Odd(BaseException):
    """What no library should raise."""


def test_a_value_comes_back_with_its_time() -> None:
    end = call_plugin("the task", lambda: 5, 60)
    assert (end.value, end.failure, end.timed_out) == (5, None, False)
    assert end.duration_seconds >= 0


@pytest.mark.parametrize(
    "error",
    [
        ValueError("bad"),
        SystemExit(0),
        KeyboardInterrupt(),
        GeneratorExit(),
        Odd("x"),
        MemoryError(),
    ],
)
def test_whatever_is_raised_becomes_a_failure(error: BaseException) -> None:
    def call() -> NoReturn:
        raise error

    failure = call_plugin("the task", call, 60).failure
    assert failure
    assert type(error).__name__ in failure.reason


def test_endless_recursion_is_a_failure_of_bounded_size() -> None:
    def call() -> Any:
        return call()

    failure = call_plugin("the task", call, 60).failure
    assert failure
    assert "RecursionError" in failure.reason
    assert len(failure.text) < 20_000


def test_an_overrun_names_what_and_how_long() -> None:
    end = call_plugin("StageOne", lambda: time.sleep(60), 0.05)
    assert end.timed_out
    assert end.failure
    assert end.failure.reason == "StageOne took longer than 0.05 s and was stopped"


def test_sys_exit_is_a_failure_and_not_the_end() -> None:
    assert call_plugin("the task", sys.exit, 60).failure


def test_awaitables_are_settled_and_values_stay() -> None:
    async def answer() -> int:
        await asyncio.sleep(0)
        return 42

    assert settled(answer()) == 42
    assert settled("value") == "value"


def test_who_settles_is_told_the_loop() -> None:
    loops: list[asyncio.AbstractEventLoop] = []

    async def answer() -> bool:
        return loops == [asyncio.get_running_loop()]

    assert settled(answer(), loops.append)
    assert settled("value", loops.append) == "value"
    assert len(loops) == 1


def test_another_keeper_of_the_deadline_is_used() -> None:
    def twice(seconds: float, call: Any) -> Any:
        return seconds, call(), call()

    assert call_plugin("the task", lambda: 3, 60, twice).value == (60, 3, 3)


def test_a_call_that_is_given_up_is_told_like_an_overrun() -> None:
    failure = call_given_up("the task", sys._getframe(), 0.5)
    assert failure.reason == "the task took longer than 0.5 s and was stopped"
    assert "TRUELINE_TASK_TIMEOUT_SECONDS" in failure.advice
    assert "call_given_up(" in str(failure.traceback)
