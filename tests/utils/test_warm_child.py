import json
import os
import random
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from utils.warm_child import renew_randomness, set_variables
from worker.launcher import Command, Exit, Launcher

WriteSnapshot = Callable[[Mapping[str, str]], Path]
TASK = """\
from utils.decorators import task


@task(name="look", title="Looks")
def look(self, ctx):
    return {"data": {}}
"""


class WarmStart:
    """A warm process: its request socket and its event channel."""

    def __init__(self, launcher: Launcher, sdk: Path, snapshot: Path) -> None:
        self.requests, theirs = socket.socketpair()
        child = [sys.executable, "-I", "-X", "utf8", str(sdk / "utils" / "child.py")]
        argv = (*child, "warm", "sample", str(snapshot), "30")
        with theirs:
            self.running = launcher.spawn(Command(argv, {}, snapshot), theirs)
        os.set_blocking(self.running.events, True)
        self.events = os.fdopen(os.dup(self.running.events), "rb")

    def first_event(self) -> dict[str, Any]:
        event: dict[str, Any] = json.loads(self.events.readline())
        return event


@pytest.fixture
def start(
    launcher: Launcher, sdk: Path, write_snapshot: WriteSnapshot
) -> Iterator[Callable[..., WarmStart]]:
    started: list[WarmStart] = []

    def begin(**files: str) -> WarmStart:
        named = {f"collectors/{name}.py": text for name, text in files.items()}
        snapshot = write_snapshot({"collectors/look.py": TASK, **named})
        started.append(WarmStart(launcher, sdk, snapshot))
        return started[-1]

    yield begin
    for one in started:
        one.requests.close()
        one.events.close()
        one.running.close()


def test_ready_process_tells_its_tasks_and_then_nothing(
    start: Callable[..., WarmStart],
) -> None:
    warm = start()
    event = warm.first_event()
    assert event["type"] == "plan"
    assert [task["name"] for task in event["tasks"]] == ["look"]
    assert warm.events.read() == b""  # closed, so that no job could be reported there


def test_ready_process_ends_with_the_socket_of_its_worker(start: Callable[..., WarmStart]) -> None:
    warm = start()
    warm.first_event()
    warm.requests.close()
    assert warm.running.wait(20) == Exit(0, None)


def test_import_that_fails_is_told(start: Callable[..., WarmStart]) -> None:
    warm = start(bad="1 / 0\n")
    event = warm.first_event()
    assert event["type"] == "broken"
    assert "ZeroDivisionError" in event["error"]["reason"]
    assert warm.running.wait(20) == Exit(0, None)


def test_import_that_leaves_something_open_is_told(start: Callable[..., WarmStart]) -> None:
    warm = start(bad="FILE = open(__file__)\n")
    event = warm.first_event()
    assert event["type"] == "unfit"
    assert "collectors/bad.py open" in event["reason"]
    assert warm.running.wait(20) == Exit(0, None)


def test_import_finds_stdin_empty(start: Callable[..., WarmStart]) -> None:
    warm = start(reads="import sys\nassert sys.stdin.read() == ''\n")
    assert warm.first_event()["type"] == "plan"


def test_numbers_of_numpy_are_drawn_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "numpy.random", random)  # seed() of it is the same
    random.seed(7)
    expected = random.random()
    random.seed(7)
    renew_randomness()
    assert random.random() != expected


def test_variables_become_those_that_a_job_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLD", "1")
    wanted = {"PATH": os.environ["PATH"], "HOME": "/job", "NEW": "1"}
    for name in set(os.environ) | set(wanted):
        monkeypatch.setenv(name, os.environ.get(name, "x"))  # all of them are put back at the end
    set_variables(wanted)
    assert dict(os.environ) == wanted
    seen = subprocess.run(["/usr/bin/env"], check=True, capture_output=True, text=True).stdout
    assert {f"{name}={value}" for name, value in wanted.items()} <= set(seen.splitlines())
    assert "OLD=" not in seen
