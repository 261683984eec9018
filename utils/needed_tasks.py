"""Which tasks one task needs before it, where it runs without all the others."""

from collections.abc import Iterable, Mapping

from utils.tasks import TaskSpec, TaskType


def needed_tasks(name: str, specs: Mapping[str, TaskSpec]) -> list[str]:
    """Return the task and all that it needs, in the order of `specs`, which is that of a run.

    It needs what `depends_on` names. Without that nobody knows what it will read: it is given
    every collector that is sure to run before it.
    """
    needed: set[str] = set()
    left = [name]
    while left:
        one = left.pop()
        if one not in needed:
            needed.add(one)
            left += specs[one].depends_on or _before(specs[one], specs.values())
    return [one for one in specs if one in needed]


def _before(task: TaskSpec, others: Iterable[TaskSpec]) -> list[str]:
    collectors = [one for one in others if one.type is TaskType.COLLECTOR and one.enabled]
    if task.type is not TaskType.COLLECTOR:
        return [one.name for one in collectors]
    return [one.name for one in collectors if one.order < task.order]
