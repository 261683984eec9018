from typing import TYPE_CHECKING

import pytest
from flask.testing import FlaskClient

from api.running_tasks import RunningTask, running_tasks

if TYPE_CHECKING:
    from tests.api.desk import Desk

pytestmark = pytest.mark.one_database


def started(task: str) -> tuple[str, dict[str, object]]:
    return "task_started", {"task": task}


def progress(task: str, done: float, total: float | None = None) -> tuple[str, dict[str, object]]:
    return "progress", {"task": task, "done": done, "total": total}


def finished(task: str) -> tuple[str, dict[str, object]]:
    return "task_finished", {"result": {"name": task}}


def test_what_has_begun_and_not_ended_runs() -> None:
    told = [started("a"), started("b"), progress("a", 7), progress("a", 9, 90), finished("b")]
    assert running_tasks(told) == [RunningTask("a", 9, 90)]
    assert running_tasks([*told, started("b"), finished("a")]) == [RunningTask("b")]


def test_progress_is_told_in_words() -> None:
    shown = [RunningTask("a"), RunningTask("a", 1234567), RunningTask("a", 1.5, 6)]
    assert [task.shown for task in shown] == ["", "1,234,567", "1.5 of 6 (25 %)"]
    assert RunningTask("a", 0, 0).shown == "0"


def test_page_of_a_job_shows_how_far_it_is_until_it_ends(desk: "Desk", client: FlaskClient) -> None:
    desk.start()
    (lease,) = desk.lease()
    told = [desk.started(lease)]
    told += [desk.event(lease, "task_started", task=task) for task in ("check", "other", "done")]
    told += [desk.event(lease, "progress", task="check", done=30, total=40)]
    desk.good(desk.send(lease, *told, desk.finished(lease, "done")))
    text = client.get(f"/jobs/{lease['job_id']}").text
    assert '<progress value="30.0" max="40.0">' in text
    assert "30 of 40 (75 %)" in text
    assert "<strong>other</strong>" in text
    assert "<strong>done</strong>" not in text
    desk.good(desk.send(lease, desk.ended(lease)))
    assert "running-task" not in client.get(f"/jobs/{lease['job_id']}").text
