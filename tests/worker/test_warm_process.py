from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from worker.child_command import child_command
from worker.execution import Host, Limits, Prepared, StopSignal
from worker.job_directories import JobDirectories, JobDirectory
from worker.launcher import Launcher
from worker.warm_process import NotWarm, WarmGone, WarmProcess, start_warm

LIMITS = Limits(30, 60, 2048, 1024 * 1024, 1024)


@pytest.fixture
def directory(tmp_path: Path) -> JobDirectory:
    return JobDirectories.open(tmp_path / "jobs").make("one")


@pytest.fixture
def host(launcher: Launcher) -> Host:
    return Host(launcher, LIMITS)


@pytest.fixture
def process(
    host: Host, prepare: Callable[..., Prepared], directory: JobDirectory
) -> Iterator[WarmProcess]:
    started = start_warm(host, prepare("state_keeping"), directory, StopSignal())
    assert isinstance(started, WarmProcess)
    yield started
    started.end()


def test_ready_process_is_measured(process: WarmProcess) -> None:
    assert process.is_alive
    assert process.memory_bytes > 1_000_000
    assert process.waiting == 1  # a supervisor, for the first job


def test_process_that_ended_forks_nothing_more(
    process: WarmProcess, prepare: Callable[..., Prepared], directory: JobDirectory
) -> None:
    process.end()
    with pytest.raises(WarmGone):
        process.spawn(child_command(prepare("state_keeping"), directory, LIMITS, {}), b"")
    assert not directory.path.exists()


@pytest.mark.parametrize(
    ("integration", "reason", "lasting"),
    [
        ("hangs_at_import", "it did not stop at its deadline of 0.3 s and was killed", False),
        ("exits_at_import", "exited with code 4 before it had imported the integration", False),
        ("broken_syntax", "broken_syntax/entry.py", True),
    ],
)
def test_start_that_fails_says_why(
    host: Host,
    prepare: Callable[..., Prepared],
    directory: JobDirectory,
    integration: str,
    reason: str,
    *,
    lasting: bool,
) -> None:
    if integration == "hangs_at_import":
        host = replace(host, limits=replace(LIMITS, task_timeout_seconds=0.3))
    answer = start_warm(host, prepare(integration), directory, StopSignal())
    assert isinstance(answer, NotWarm)
    assert reason in answer.reason
    assert answer.lasting is lasting
    assert not directory.path.exists()


def test_start_can_be_called_off(
    host: Host, prepare: Callable[..., Prepared], directory: JobDirectory
) -> None:
    stop = StopSignal()
    stop.request("interrupted")
    answer = start_warm(host, prepare("hangs_at_import"), directory, stop)
    assert answer == NotWarm("its start was called off", lasting=False)
