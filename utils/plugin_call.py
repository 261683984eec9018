"""Calls a plugin's code so that whatever it does becomes a value or a Failure."""

import os
import time
from collections.abc import Callable
from types import FrameType
from typing import Any, NamedTuple

from utils.deadline import TaskTimeout, Within, call_within
from utils.failures import (
    Failure,
    error_place,
    frame_place,
    short_stack,
    short_traceback,
    told_failure,
)


class CallEnd(NamedTuple):
    """How a call ended: with a value, or with a failure."""

    value: Any
    failure: Failure | None
    timed_out: bool
    duration_seconds: float


def call_plugin(
    what: str, call: Callable[[], Any], timeout_seconds: float, within: Within = call_within
) -> CallEnd:
    """Run `call`, named `what` in messages, to its end, its exception or its deadline.

    `within` keeps the deadline: the default in the main thread alone.
    """
    process = os.getpid()
    started = time.perf_counter()
    value, failure, timed_out = None, None, False
    try:
        value = within(timeout_seconds, call)
    except TaskTimeout as error:
        overrun = _overrun(what, timeout_seconds, error_place(error), short_traceback(error))
        failure, timed_out = overrun, True
    except BaseException as error:  # noqa: BLE001 - a plugin may raise anything; sys.exit is a failure too
        failure = told_failure(error)
    if os.getpid() != process:
        os._exit(1)  # a copy that the plugin forked and let run on: the job is not its own
    return CallEnd(value, failure, timed_out, round(time.perf_counter() - started, 6))


def call_given_up(what: str, frame: FrameType | None, timeout_seconds: float) -> Failure:
    """Tell of a call that stands in `frame`, past its deadline, and is not waited for any more."""
    return _overrun(what, timeout_seconds, frame_place(frame), short_stack(frame))


def settled(value: Any, on_loop: Callable[[Any], None] | None = None) -> Any:
    """Return a value as it is, or what it comes to when it is awaitable.

    `on_loop` gets the event loop that it is awaited in.
    """
    if not hasattr(type(value), "__await__"):
        return value
    import asyncio  # noqa: PLC0415 - 40 ms, for async tasks alone

    async def awaited() -> Any:
        if on_loop is not None:
            on_loop(asyncio.get_running_loop())
        return await value

    return asyncio.run(awaited())


def _overrun(what: str, timeout_seconds: float, at: str, trace: str | None) -> Failure:
    return Failure(
        f"{what} took longer than {timeout_seconds:g} s and was stopped",
        f"{f'it stood at {at}: ' if at else ''}make it faster, or raise "
        "TRUELINE_TASK_TIMEOUT_SECONDS",
        trace,
    )
