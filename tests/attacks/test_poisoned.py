"""What a plugin can do that changes its warm process while it is imported: nothing to the worker.

Its jobs are then not kept apart from each other, which nobody can promise, and still in a sandbox.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from worker.job_order import JobOrder
from worker.stop_signal import StopSignal

Prison = Any


@pytest.fixture
def bystander(tmp_path: Path) -> Path:
    """A folder of the worker's user that looks like a job's: with a home, and files in it."""
    folder = tmp_path / "bystander"
    for name in ("home", "tmp", "inner"):
        (folder / name).mkdir(mode=0o700, parents=True)
        (folder / name / "file").write_bytes(os.urandom(4 * 1024 * 1024))
    folder.chmod(0o700)
    return folder


@pytest.mark.parametrize("seconds", [0, 30])
def test_worker_does_not_follow_a_job_to_another_folder(
    prison_with: Callable[..., Prison], bystander: Path, seconds: int
) -> None:
    """It empties a job's folder once that is full, and clears it for the next one at the end."""
    prison = prison_with(disk_limit_mb=8, task_timeout_seconds=5)
    order = JobOrder("job-1", 1, "poisoner", {"target": str(bystander), "seconds": seconds})
    prepared = prison.prepared(integration="poisoner")
    before = sorted(bystander.rglob("*"))
    for _ in range(2):
        prison.executor.run(order, prepared, lambda _event: None, StopSignal())
    assert sorted(bystander.rglob("*")) == before
