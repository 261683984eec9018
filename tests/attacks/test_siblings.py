"""What a plugin can do to another job of its integration that runs in the same sandbox."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from worker.stop_signal import StopSignal

Prison = Any
Eventually = Callable[[Callable[[], object]], None]


@contextmanager
def held(prison: Prison, eventually: Eventually, act: str, secret: str) -> Iterator[list[str]]:
    """Run a job beside those of the test, until that is over; yield what it says when it is up."""
    stop = StopSignal()
    said: list[str] = []

    def listen(event: dict[str, Any]) -> None:
        if event["type"] == "output":
            said.append(event["text"])

    thread = threading.Thread(
        target=lambda: prison.attack(act, stop=stop, listen=listen, secret=secret)
    )
    thread.start()
    try:
        eventually(lambda: "ready" in "".join(said) and "\n" in "".join(said))
        yield "".join(said).split()[1:]
    finally:
        stop.request("cancelled")
        thread.join()


@pytest.fixture
def sibling(prison: Prison, eventually: Eventually, canary: str) -> Iterator[list[int]]:
    """The processes of a job of the same integration: itself, and a program that it runs."""
    with held(prison, eventually, "wait", canary) as (own, helper, _folder):
        yield [int(own), int(helper)] if prison.is_warm else []


def test_processes_of_a_sibling_do_not_show(prison: Prison, sibling: list[int]) -> None:
    seen = prison.attack("read_what_programs_were_told", pids=sibling).data
    assert seen["listed"] == []
    told = {read for name, read in seen["read"].items() if int(name.split("/")[0]) in sibling}
    assert told <= {"EPERM", "EACCES"}
    assert "sleep" not in json.dumps(seen)


def test_processors_and_turns_of_a_sibling_stay_its_own(prison: Prison, sibling: list[int]) -> None:
    moved = prison.attack("move_a_sibling", pids=sibling).data
    assert (moved.pop("own processors"), moved.pop("own disk")) == ("done", "done")
    assert moved.pop("disk of all") == "EPERM"
    assert {answer for answers in moved.values() for answer in answers.values()} == {"EPERM"}


def test_terminal_of_a_sibling_cannot_be_read(
    prison: Prison, eventually: Eventually, canary: str
) -> None:
    with held(prison, eventually, "hold_a_terminal", canary):
        seen = prison.attack("read_terminals").data
    assert canary not in json.dumps(seen)
    assert set(seen.values()) <= {"EACCES", "ENOENT"}


@pytest.mark.parametrize("is_warm", ["fresh"], indirect=True)
def test_terminals_are_there_for_a_job_that_is_alone(
    prison_with: Callable[..., Prison], eventually: Eventually
) -> None:
    prison = prison_with(warm_processes=0)
    with held(prison, eventually, "hold_a_terminal", "x") as (said,):
        assert said.startswith("/dev/pts/")


def test_what_a_job_leaves_in_shared_memory_takes_no_room_from_the_next(
    prison: Prison, eventually: Eventually
) -> None:
    for _ in range(3):
        filled = prison.attack("fill_shared_memory").data
        assert filled["error"] == "ENOSPC"
        assert filled["bytes"] > 60 * 1024 * 1024
    eventually(lambda: prison.executor.warm.totals().processes <= 1)


def test_shared_memory_takes_few_files(prison: Prison) -> None:
    made = prison.attack("fill_shared_memory_with_names", most=100_000).data
    assert made["error"] == "ENOSPC"
    assert made["made"] < 5000
