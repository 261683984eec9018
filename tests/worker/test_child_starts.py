import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from worker.child_command import describe_spec
from worker.child_starts import ChildStarts
from worker.execution import Host, Limits, Prepared, WarmLimits
from worker.job_directories import JobDirectories
from worker.launcher import Command, Launcher
from worker.warm import WarmStarts

LIMITS = Limits(30, 60, 2048, 1024 * 1024, 1024)
Enclosed = list[tuple[str, Path]]


@pytest.fixture
def enclosed() -> Enclosed:
    return []


@pytest.fixture
def start(
    launcher: Launcher,
    prepare: Callable[..., Prepared],
    warm_limits: WarmLimits,
    enclosed: Enclosed,
    tmp_path: Path,
) -> Callable[..., list[str]]:
    """Start a child that lists its tasks; return what it listed."""

    def enclose(command: Command, prepared: Prepared, writable: Path) -> Command:
        enclosed.append((prepared.integration, writable))
        return replace(command, env={**command.env, "ENCLOSED": "1"})

    host = Host(launcher, LIMITS, {}, enclose, {"walls": 2})
    directories = JobDirectories.open(tmp_path / "jobs")
    warm = WarmStarts(host, directories, warm_limits)

    def run() -> list[str]:
        prepared, starts = prepare("state_keeping"), ChildStarts(host, warm)
        with directories.new(prepared.integration) as directory:
            spec = describe_spec(prepared, directory, LIMITS)
            running = starts.start(prepared, directory, spec, lambda: False)
            running.wait(20)
            line = os.read(running.events, 65536)
            running.close()
        warm.close()
        return [task["name"] for task in json.loads(line)["tasks"]]

    return run


def test_child_reads_its_order_whichever_way_it_was_started(
    start: Callable[..., list[str]], enclosed: Enclosed, warm_limits: WarmLimits
) -> None:
    assert start() == ["look", "meet"]
    ((integration, writable),) = enclosed
    assert integration == "state_keeping"
    # A warm process holds what its jobs write to; a fresh child has its own job's alone.
    assert writable.name.startswith("of-" if warm_limits.processes else "job-")
