"""Calls a plugin's code so that whatever it does becomes a value or a Failure."""

import os
import time
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from utils.deadline import TaskTimeout, call_within
from utils.failures import Failure, error_place, short_traceback, told_failure


class CallEnd(NamedTuple):
    """How a call ended: with a value, or with a failure."""

    value: Any
    failure: Failure | None
    timed_out: bool
    duration_seconds: float


def call_plugin(what: str, call: Callable[[], Any], timeout_seconds: float) -> CallEnd:
    """Run `call`, named `what` in messages, to its end, its exception or its deadline."""
    process = os.getpid()
    started = time.perf_counter()
    value, failure, timed_out = None, None, False
    try:
        value = call_within(timeout_seconds, call)
    except TaskTimeout as error:
        failure, timed_out = _overrun(what, error, timeout_seconds), True
    except BaseException as error:  # noqa: BLE001 - a plugin may raise anything; sys.exit is a failure too
        failure = told_failure(error)
    if os.getpid() != process:
        os._exit(1)  # a copy that the plugin forked and let run on: the job is not its own
    return CallEnd(value, failure, timed_out, round(time.perf_counter() - started, 6))


def settled(value: Any) -> Any:
    """Return a value as it is, or what it comes to when it is awaitable."""
    if not hasattr(type(value), "__await__"):
        return value
    import asyncio  # noqa: PLC0415 - 40 ms, for async tasks alone

    return asyncio.run(_awaited(value))


async def _awaited(value: Awaitable[Any]) -> Any:
    return await value


def _overrun(what: str, error: TaskTimeout, timeout_seconds: float) -> Failure:
    at = error_place(error)
    return Failure(
        f"{what} took longer than {timeout_seconds:g} s and was stopped",
        f"{f'it stood at {at}: ' if at else ''}make it faster, or raise "
        "TRUELINE_TASK_TIMEOUT_SECONDS",
        short_traceback(error),
    )
