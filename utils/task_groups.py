"""Which tasks of a job may run side by side, and which of them a task must not see."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import groupby

from utils.tasks import DeclaredTask, TaskSpec


def task_groups(
    tasks: Iterable[DeclaredTask], most: int, alone: Collection[str]
) -> Iterator[list[DeclaredTask]]:
    """Return tasks, given in the order of a run, as groups that run one after the other.

    A group holds tasks of equal order in one phase; one at a time when `most` is 1. Those in
    `alone` are groups of their own ahead of the others of their order: what they depend on has
    ended before.
    """
    for _, members in groupby(tasks, lambda task: _level(task.spec)):
        together = []
        for task in members:
            if most == 1 or task.spec.name in alone:
                yield [task]
            else:
                together.append(task)
        if together:
            yield together


def tasks_beside(spec: TaskSpec, specs: Mapping[str, TaskSpec]) -> frozenset[str]:
    """Return the tasks that may run at the same time: of its order, and nothing that it needs."""
    needed = {spec.name}
    to_look_at = [*spec.depends_on]
    while to_look_at:
        name = to_look_at.pop()
        if name not in needed:
            needed.add(name)
            to_look_at += specs[name].depends_on
    level = _level(spec)
    return frozenset(
        name
        for name, other in specs.items()
        if other.enabled and name not in needed and _level(other) == level
    )


def _level(spec: TaskSpec) -> tuple[str, int]:
    return spec.type, spec.order
