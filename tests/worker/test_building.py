"""Builds that are cut off at each step, share a key, run out of time or of room."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from worker.damage import damage
from worker.environment import read_record
from worker.environments import BuildCause, BuildFailed, Environments
from worker.key_locks import KeyLocks
from worker.store import Store

OpenEnvironments = Callable[..., Environments]
Start = Callable[..., "subprocess.Popen[str]"]

BUILD = """
import json, os, sys
from pathlib import Path
from worker.environments import BuildOptions, Environments

directory, sdk, cache, index = sys.argv[1:5]
options = BuildOptions(
    environ={"PATH": os.environ["PATH"], "UV_DEFAULT_INDEX": index}, cache=Path(cache)
)
environments = Environments(Path(directory), ["tiny-base>=1,<2"], Path(sdk), options)
print("ready", flush=True)
sys.stdin.readline()
made = environments.build("dns", ["tiny-alpha"])
print(json.dumps([made.key, made.seconds]))
"""
STEPS = (
    *("build_started", "build_locked", "store_filled", "store_marked", "store_named"),
    "build_installed",
    *("build_copied", "build_recorded", "build_named"),
)


@pytest.fixture
def start_builder(
    tmp_path: Path, small_sdk: Path, package_cache: Path, package_index: Any
) -> Iterator[Start]:
    """Start a process that builds the environment of tiny-alpha when a line is sent to it."""
    started: list[subprocess.Popen[str]] = []

    def start(**variables: str) -> "subprocess.Popen[str]":
        where = (str(tmp_path / "environments"), str(small_sdk), str(package_cache))
        process = subprocess.Popen(
            [sys.executable, "-c", BUILD, *where, package_index.url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **variables},
            text=True,
        )
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def go(process: "subprocess.Popen[str]") -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


def leftovers(environments: Environments, tmp_path: Path) -> list[Path]:
    environments.reclaim({environments.key(["tiny-alpha"])})
    building = tmp_path / "environments" / "building"
    return [*building.iterdir(), *(tmp_path / "environments" / "trash").glob("*")]


@pytest.mark.parametrize("step", STEPS)
def test_a_build_killed_at_any_step_is_never_used_half_done(
    environments_with: OpenEnvironments, start_builder: Start, tmp_path: Path, step: str
) -> None:
    builder = start_builder(TRUELINE_FAILPOINT=f"{step}:kill9")
    go(builder)
    assert builder.wait(60) == -signal.SIGKILL
    environments = environments_with()
    there = environments.existing(environments.key(["tiny-alpha"]))
    assert (there is not None) == (step == "build_named")
    made = environments.build("dns", ["tiny-alpha"])
    assert damage(made.path, Store(tmp_path / "environments")) == ""
    assert leftovers(environments, tmp_path) == []


@pytest.mark.parametrize("milliseconds", [20, 60, 120, 200, 300, 400])
def test_a_build_killed_at_any_time_is_built_again(
    environments_with: OpenEnvironments, start_builder: Start, tmp_path: Path, milliseconds: int
) -> None:
    builder = start_builder()
    go(builder)
    time.sleep(milliseconds / 1000)
    builder.kill()
    builder.wait(60)
    environments = environments_with()
    made = environments.build("dns", ["tiny-alpha"])
    assert damage(made.path, Store(tmp_path / "environments")) == ""
    _wait_for(lambda: leftovers(environments, tmp_path) == [])


def test_processes_that_want_the_same_environment_build_it_once(start_builder: Start) -> None:
    builders = [start_builder() for _ in range(4)]
    for builder in builders:
        go(builder)
    outputs = [json.loads(builder.communicate(timeout=120)[0]) for builder in builders]
    assert len({key for key, _ in outputs}) == 1
    assert sum(seconds is not None for _, seconds in outputs) == 1


def test_an_index_that_never_answers_ends_at_the_deadline(
    environments_with: OpenEnvironments, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        environments = environments_with(
            index=f"http://127.0.0.1:{silent.getsockname()[1]}/simple",
            cache=tmp_path / "empty-cache",
            timeout_seconds=1,
        )
        with pytest.raises(BuildFailed) as raised:
            environments.build("dns", ["tiny-alpha"])
    assert raised.value.cause == BuildCause.TIMEOUT
    assert "TRUELINE_BUILD_TIMEOUT_SECONDS" in raised.value.advice
    assert list((tmp_path / "environments" / "building").iterdir()) == []


def test_who_waits_for_anothers_build_does_not_wait_for_ever(
    environments_with: OpenEnvironments, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.building.WAIT_SECONDS", 0.2)
    environments = environments_with(timeout_seconds=0.1)
    key = environments.key(["tiny-alpha"])
    with (
        KeyLocks(tmp_path / "environments" / "held").held(key, 10),
        pytest.raises(BuildFailed) as raised,
    ):
        environments.build("dns", ["tiny-alpha"])
    assert raised.value.cause == BuildCause.TIMEOUT


def test_a_full_disk_is_called_that(
    environments_with: OpenEnvironments, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A folder that cannot grow is not to be had everywhere; what the system then says is.
    def no_room(*_: object, **__: object) -> None:
        raise OSError(28, os.strerror(28))

    environments = environments_with()
    monkeypatch.setattr("worker.sdk.Sdk.stored_in", no_room)
    with pytest.raises(BuildFailed) as raised:
        environments.build("dns", ["tiny-alpha"])
    assert raised.value.cause == BuildCause.DISK_FULL
    monkeypatch.undo()
    assert environments.build("dns", ["tiny-alpha"]).seconds is not None


def test_the_record_and_the_lock_are_kept_in_the_environment(
    environments_with: OpenEnvironments,
) -> None:
    made = environments_with().build("dns", ["tiny-alpha"])
    record = read_record(made.path)
    assert record is not None
    assert record.seconds == made.seconds
    assert "tiny-alpha==2.0" in made.lock.read_text()
    assert made.child.read_text() == "print('the child')\n"
    assert [path.name for path in made.path.rglob("notes.txt")] == []
    protected = next(made.path.glob("lib/python*/site-packages")) / "tiny_alpha.py"
    assert not protected.stat().st_mode & 0o222


def _wait_for(condition: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < give_up_at, "it did not come to this"
        time.sleep(0.01)
