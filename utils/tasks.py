"""The noun task: what a decorated function declares, and where it stands in the order of a run."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from utils.failures import shown_path

_DECLARED = "__trueline_tasks__"  # a module's own list, in the module itself


class TaskType(StrEnum):
    """What a task does."""

    COLLECTOR = "collector"  # gathers data
    INSIGHT = "insight"  # judges data
    RECONCILER = "reconciler"  # plans how to put things right


class Severity(StrEnum):
    """How much a violation matters, least first."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """1 for low to 4 for critical."""
        return list(Severity).index(self) + 1


PHASES = (TaskType.COLLECTOR, TaskType.INSIGHT, TaskType.RECONCILER)
MOST_PARALLEL_TASKS = 32
DEFAULT_ORDERS = {TaskType.COLLECTOR: 100, TaskType.INSIGHT: 500, TaskType.RECONCILER: 900}


# NamedTuples here and in the rest of the SDK: importing dataclasses costs each job 6 ms.
class TaskSpec(NamedTuple):
    """What `@task` says about a function."""

    name: str
    title: str
    description: str | None
    type: TaskType
    severity: Severity | None
    order: int
    enabled: bool
    depends_on: tuple[str, ...]

    @property
    def position(self) -> tuple[int, int, str]:
        """Where it stands in a run: by phase, then order, then name."""
        return PHASES.index(self.type), self.order, self.name


class DeclaredTask(NamedTuple):
    """A decorated function and the place where it was decorated."""

    spec: TaskSpec
    function: Callable[[Any, Any], Any]
    file: str
    line: int

    @property
    def place(self) -> str:
        """`integrations/x/collectors/y.py:12`."""
        return f"{shown_path(self.file)}:{self.line}"


def remember_task(module: dict[str, Any], task: DeclaredTask) -> None:
    """Note the task in its module's globals, so that a later `def` cannot shadow it away.

    A reload runs a module again in the same globals but under a new `__spec__`: the list is then
    begun anew.
    """
    origin, tasks = module.get(_DECLARED, (None, ()))
    known = tasks if origin is module.get("__spec__") else ()
    module[_DECLARED] = (module.get("__spec__"), (*known, task))


def declared_tasks(module: Mapping[str, Any]) -> tuple[DeclaredTask, ...]:
    """Return the tasks that were decorated in a module, given its globals."""
    _, tasks = module.get(_DECLARED, (None, ()))
    return tuple(tasks)
