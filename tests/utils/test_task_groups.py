import pytest

from utils.task_groups import task_groups, tasks_beside
from utils.tasks import DeclaredTask, TaskSpec, TaskType

COLLECTOR = TaskSpec("a", "A", None, TaskType.COLLECTOR, None, 100, True, ())
SPECS = [
    COLLECTOR,
    COLLECTOR._replace(name="b", depends_on=("a",)),
    COLLECTOR._replace(name="c", depends_on=("b",)),
    COLLECTOR._replace(name="d"),
    COLLECTOR._replace(name="later", order=101),
    COLLECTOR._replace(name="judge", type=TaskType.INSIGHT),
    COLLECTOR._replace(name="judge_too", type=TaskType.INSIGHT),
]


def grouped(most: int, *alone: str) -> list[str]:
    tasks = [DeclaredTask(spec, lambda _self, _ctx: {}, "a.py", 1) for spec in SPECS]
    groups = task_groups(tasks, most, alone)
    return ["+".join(task.spec.name for task in group) for group in groups]


@pytest.mark.parametrize(
    ("groups", "expected"),
    [
        (grouped(1), ["a", "b", "c", "d", "later", "judge", "judge_too"]),
        (grouped(2), ["a+b+c+d", "later", "judge+judge_too"]),
        (grouped(8, "d", "a"), ["a", "d", "b+c", "later", "judge+judge_too"]),
        (grouped(8, "judge", "judge_too"), ["a+b+c+d", "later", "judge", "judge_too"]),
    ],
)
def test_groups_hold_equal_order_in_one_phase(groups: list[str], expected: list[str]) -> None:
    assert groups == expected


@pytest.mark.parametrize(
    ("name", "beside"),
    [
        ("a", {"b", "c", "d"}),
        ("b", {"c", "d"}),
        ("c", {"d"}),
        ("later", set()),
        ("judge", {"judge_too"}),
    ],
)
def test_what_a_task_needs_is_never_beside_it(name: str, beside: set[str]) -> None:
    specs = {spec.name: spec for spec in SPECS}
    assert tasks_beside(specs[name], specs) == beside


def test_a_disabled_task_is_beside_nobody() -> None:
    specs = {spec.name: spec for spec in SPECS}
    specs["d"] = specs["d"]._replace(enabled=False)
    assert tasks_beside(specs["c"], specs) == frozenset()
