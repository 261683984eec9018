"""What `ctx` hands to a task that talks to other systems: client, cache, logger, progress."""

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from utils.cache import Cache, Store
from utils.cache_stores import MemoryStore
from utils.deadline import Deadline
from utils.task_lines import TaskLines
from utils.task_logger import logger_of
from utils.thinning import Thinning
from utils.token_bucket import Buckets, OwnBuckets, Pace, TokenBucket, bucket_name

if TYPE_CHECKING:
    from utils.http import HTTPClient, HTTPOptions
    from utils.task_context import JobView, OnDemand


LOGGERS = "trueline.integration"


class ClientSettings(TypedDict, total=False):
    """What `ctx.http` may be told."""

    headers: Mapping[str, str]
    timeout: float
    max_retries: int
    pace: Pace  # a rate limit of our own; none by default
    options: "HTTPOptions"


class JobTools:
    """What the tasks of one job share."""

    def __init__(self, line: int | None = None) -> None:
        self.store: Store = MemoryStore()
        self.buckets: Buckets = OwnBuckets()
        if line is not None:
            from utils.commons import Line, SharedBuckets, SharedStore  # noqa: PLC0415 - only where there is one

            shared = Line(line)
            self.store = SharedStore(shared, self.store)
            self.buckets = SharedBuckets(shared, self.buckets)


class TaskTools:
    """One task's."""

    def __init__(
        self,
        integration: str,
        shared: JobTools,
        lines: TaskLines,
        mention: Callable[[float, float | None], None] = lambda _done, _total: None,
        deadline: Deadline | None = None,
    ) -> None:
        self.logger = logger_of(f"{LOGGERS}.{integration}", lines)
        self.cache = Cache(integration, shared.store, deadline=deadline)
        self._shared = shared
        self._deadline = deadline
        self._thinning = Thinning()
        self._mention = mention

    def http(self, base_url: str, **settings: Unpack[ClientSettings]) -> "HTTPClient":
        """Return a client that logs to the task's logs."""
        from utils.http import HTTPClient, HTTPOptions  # noqa: PLC0415 - 0.1 s, only for its users

        options = settings.get("options", HTTPOptions())
        if options.logger is None:
            options = options._replace(logger=self.logger)
        if options.deadline is None:
            options = options._replace(deadline=self._deadline)
        if "pace" in settings:
            credential = _credential(base_url, settings.get("headers", {}))
            bucket = TokenBucket(settings["pace"], credential, self._shared.buckets)
            options = options._replace(limit=bucket)
        return HTTPClient(
            base_url,
            settings.get("headers"),
            settings.get("timeout", 30.0),
            settings.get("max_retries", 3),
            options,
        )

    def progress(self, done: float, total: float | None) -> None:
        """Tell how far the task is, thinned out."""
        if self._thinning.is_told(done, total, time.monotonic()):
            self._mention(done, total)


def make_tools(
    task: str,
    view: "JobView",
    add_line: Callable[[object], None],
    deadline: Deadline | None = None,
) -> TaskTools:
    """Return the tools of a task; what its job shares is made by the first that asks."""
    shared = view.tools.get(JobTools) if view.tools else JobTools()

    def mention(done: float, total: float | None) -> None:
        if view.mention is not None:
            view.mention({"type": "progress", "task": task, "done": done, "total": total})

    lines = TaskLines(add_line, debug=view.keeps_debug)
    return TaskTools(_integration(view.config), shared, lines, mention, deadline)


def stage_tools(
    config: Mapping[str, Any], shared: "OnDemand", add_line: Callable[[object], None]
) -> TaskTools:
    """Return the tools of a StageOne, which shares them with its job's tasks."""
    lines = TaskLines(add_line, debug=shared.debug)
    return TaskTools(_integration(config), shared.get(JobTools), lines)


def _integration(config: Mapping[str, Any]) -> str:
    return str(config.get("integration_name") or "integration")


def _credential(base_url: str, headers: Mapping[str, str]) -> str:
    from utils.http_order import Endpoint, secrets_of  # noqa: PLC0415 - same

    endpoint = Endpoint.read(base_url)
    lowered: dict[str, Any] = {name.lower(): value for name, value in headers.items()}
    known = secrets_of(lowered | endpoint.authorization, f"{endpoint.url}?{endpoint.query}")
    return bucket_name(endpoint.origin, "\0".join(sorted(known)))
