"""Tests of what a task needs before it."""

import pytest

from utils.needed_tasks import needed_tasks
from utils.tasks import TaskSpec, TaskType

C, J = TaskType.COLLECTOR, TaskType.INSIGHT


def spec(name: str, kind: TaskType, order: int, *needs: str) -> TaskSpec:
    return TaskSpec(name, name, None, kind, None, order, enabled=True, depends_on=needs)


SPECS = {
    one.name: one
    for one in (
        spec("login", C, 50),
        spec("items", C, 100),
        spec("notes", C, 100, "login"),
        spec("any", J, 500),
        spec("sold", J, 500, "items"),
    )
}


@pytest.mark.parametrize(
    ("task", "needed"),
    [
        ("login", ["login"]),
        ("items", ["login", "items"]),  # it may read what has a lower order
        ("notes", ["login", "notes"]),
        ("sold", ["login", "items", "sold"]),
        ("any", ["login", "items", "notes", "any"]),
    ],
)
def test_a_task_needs_what_it_names_or_every_collector_before_it(
    task: str, needed: list[str]
) -> None:
    assert needed_tasks(task, SPECS) == needed


def test_a_disabled_collector_is_not_needed() -> None:
    specs = {**SPECS, "login": SPECS["login"]._replace(enabled=False)}

    assert needed_tasks("items", specs) == ["items"]
