"""`BaseRunner`: what an integration's Runner extends, with the two stages of a job."""

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Unpack

from utils.task_context import BoundedLines, OnDemand, TaskContext
from utils.task_registry import register_tasks

if TYPE_CHECKING:
    from logging import Logger

    from utils.cache import Cache
    from utils.http import HTTPClient
    from utils.task_tools import ClientSettings, TaskTools

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
            self.shared = OnDemand()  # with the tasks of its job

        def start(self) -> dict[str, Any]:
            """Return what tasks read through `ctx.base()`; stays in the process, never recorded."""
            return {}

        def add_log(self, line: object) -> None:
            """Add a line to the logs of StageOne."""
            self.lines.add(line)

        # A plugin may set attributes of these names, as it could before they were here.
        @cached_property
        def logger(self) -> "Logger":
            """A logger whose lines, from INFO on or all of them, go to the logs of StageOne."""
            return self._tools.logger

        @cached_property
        def cache(self) -> "Cache":
            """The cache of tasks: see `ctx.cache`."""
            return self._tools.cache

        def http(self, base_url: str, **settings: "Unpack[ClientSettings]") -> "HTTPClient":
            """Return a client of one API, as `ctx.http` does."""
            return self._tools.http(base_url, **settings)

        @cached_property
        def _tools(self) -> "TaskTools":
            from utils.task_tools import stage_tools  # noqa: PLC0415 - only where it is used

            return stage_tools(self.config, self.shared, self.add_log)

    class StageTwo(_Stage):
        """What tasks get as `self`, with `config` and `source`."""
