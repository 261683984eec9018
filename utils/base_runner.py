"""`BaseRunner`: what an integration's Runner extends, with the two stages of a job."""

from collections.abc import Mapping
from typing import Any

from utils.task_context import BoundedLines, TaskContext
from utils.task_registry import register_tasks

__all__ = ["BaseRunner", "TaskContext"]


class _Stage:
    """What both stages know: the deployment's config and the source of the job."""

    source: Mapping[str, Any] = {}

    def __init__(self, config: dict[str, Any]) -> None:
        self.config = config


class BaseRunner:
    """The base of every integration's Runner.

    >>> class Runner(BaseRunner):
    ...     class StageOne(BaseRunner.StageOne):
    ...         def start(self):
    ...             return {"api_key": self.config.get("api_key")}
    """

    name: str = ""  # the folder's name; filled in where a Runner leaves it out
    parallel_tasks: int = 1  # how many tasks of equal order may run side by side: 1 to 32
    source: Mapping[str, Any] = {}

    def __init__(self, config: dict[str, Any]) -> None:
        register_tasks(type(self))
        config["integration_name"] = self.name
        self.config = config

    class StageOne(_Stage):
        """Authentication and set-up, once a job, before any task."""

        def __init__(self, config: dict[str, Any]) -> None:
            super().__init__(config)
            self.lines = BoundedLines()

        def start(self) -> dict[str, Any]:
            """Return what tasks read through `ctx.base()`; stays in the process, never recorded."""
            return {}

        def add_log(self, line: object) -> None:
            """Add a line to the logs of StageOne."""
            self.lines.add(line)

    class StageTwo(_Stage):
        """What tasks get as `self`, with `config` and `source`."""
