"""Tasks side by side in a sandbox: its walls and limits leave them their threads and their ends."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from worker.execution import JobOrder, StopSignal

Prison = Any
Eventually = Callable[[Callable[[], object]], None]
BESIDE = Path(__file__).parents[1] / "fixtures" / "plugins"
NAMES = ("one", "two", "three", "waits_for_one", "after", "judge")
CROWD = """\
import threading
import time

from utils.base_runner import BaseRunner
from utils.decorators import task


class Runner(BaseRunner):
    parallel_tasks = 32


def waiting(name):
    @task(name=name, title=name)
    def wait(self, ctx):
        time.sleep(0.3)
        return {"data": {"thread": threading.current_thread().name}}


for number in range(32):
    waiting(f"t{number:02}")
"""


def run(
    prison: Prison, integration: str, snapshot: Path, **config: str
) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Return the results, and the tasks that began in their order."""
    events: list[dict[str, Any]] = []
    order = JobOrder("job-1", 1, integration, config)
    prepared = prison.prepared(snapshot, integration)
    prison.executor.run(order, prepared, events.append, StopSignal())
    found = [event["result"] for event in events if event["type"] == "task_finished"]
    assert len({result["name"] for result in found}) == len(found)
    begun = [event["task"] for event in events if event["type"] == "task_started"]
    return {result["name"]: result for result in found}, begun


@pytest.mark.parametrize(
    ("act", "status", "told"),
    [
        ("behave", "success", ""),
        ("segfault", "failed", "SIGSEGV"),
        ("wait_in_the_system", "timeout", "was stopped"),
        ("hold_the_interpreter", "timeout", "was killed"),
    ],
)
def test_tasks_side_by_side_end_as_they_do_outside(
    prison_with: Callable[..., Prison], eventually: Eventually, act: str, status: str, told: str
) -> None:
    prison = prison_with(task_timeout_seconds=2)
    results, _ = run(prison, "beside", BESIDE, two=act)
    assert {name: result["status"] for name, result in results.items()} == dict.fromkeys(
        NAMES, "success"
    ) | {"two": status}
    assert told in (results["two"]["reason"] or "")
    eventually(lambda: not prison.processes())


def test_limit_on_processes_lets_tasks_wait_for_each_other(
    prison_with: Callable[..., Prison], tmp_path: Path
) -> None:
    entry = tmp_path / "snapshot" / "integrations" / "crowd" / "entry.py"
    entry.parent.mkdir(parents=True)
    entry.write_text(CROWD)
    results, begun = run(prison_with(process_limit=16), "crowd", tmp_path / "snapshot")
    assert len(results) == len(begun) == 32
    assert {result["status"] for result in results.values()} == {"success"}
