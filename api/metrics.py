"""What the API counts: requests, jobs and tasks; labels come from the code or the catalogue."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, values
from prometheus_client.multiprocess import MultiProcessCollector
from sqlalchemy import Engine, event

from api.exchanges import Exchange
from api.facts import Fact, JobMoved, LeaseLost, TaskEnded
from api.jobs import ENDED
from api.wakeups import Kind
from utils.metric_labels import BoundedLabel
from utils.settings import Settings

REQUEST_SECONDS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 300)
TASK_SECONDS = (0.1, 0.5, 1, 2, 5, 10, 30, 60, 180, 600, 3600)
MOST_INTEGRATIONS = 200  # further ones are counted together, as `other`
METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})


class Metrics:
    """The counters of one process; any thread may use them."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._integration = BoundedLabel(MOST_INTEGRATIONS)
        self._requests = self._counter(
            "trueline_http_requests", "Requests answered.", "method", "route", "status"
        )
        self._request_seconds = self._histogram(
            "trueline_http_request_seconds",
            "From a request to the last byte of its answer.",
            REQUEST_SECONDS,
            ("method", "route"),
        )
        self._waiting = self._gauge(
            "trueline_waiting_requests", "Requests that wait for something to happen.", "kind"
        )
        self._connections = self._gauge(
            "trueline_database_connections_in_use", "Database connections at work."
        )
        self._jobs = self._counter(
            "trueline_jobs_ended", "Jobs that have ended.", "integration", "status"
        )
        self._job_seconds = self._histogram(
            "trueline_job_seconds", "From lease to end of a job.", TASK_SECONDS, ("integration",)
        )
        self._tasks = self._counter(
            "trueline_tasks_ended", "Tasks that have ended.", "integration", "type", "status"
        )
        self._task_seconds = self._histogram(
            "trueline_task_seconds", "How long tasks took.", TASK_SECONDS, ("integration", "type")
        )
        self._failures = self._counter(
            "trueline_task_failures",
            "Tasks without success, by cause (of another system) or status.",
            "integration",
            "cause",
        )
        self._losses = self._counter(
            "trueline_leases_lost", "Leases of workers that fell silent.", "integration"
        )
        self._deliveries = self._counter(
            "trueline_webhook_deliveries", "Tries to tell a webhook.", "result"
        )

    def hear_exchange(self, exchange: Exchange) -> None:
        """Count a request."""
        method = exchange.method if exchange.method in METHODS else "other"
        route = exchange.route or "none"
        self._requests.labels(method, route, str(exchange.status)).inc()
        self._request_seconds.labels(method, route).observe(exchange.seconds)

    def hear_facts(self, facts: Sequence[Fact]) -> None:
        """Count what a transaction did."""
        for fact in facts:
            integration = self._integration(fact.integration)
            if isinstance(fact, TaskEnded):
                self._hear_task(integration, fact)
            elif isinstance(fact, LeaseLost):
                self._losses.labels(integration).inc()
            elif fact.status in ENDED:
                self._hear_end(integration, fact)

    def hear_delivery(self, well: bool) -> None:  # noqa: FBT001 - a listener: it is called with one
        """Count a try to tell a receiver."""
        self._deliveries.labels("delivered" if well else "failed").inc()

    def hear_waiting(self, kind: Kind, more: int) -> None:
        """Count requests that begin (1) or end (-1) to wait."""
        self._waiting.labels(kind).inc(more)

    def watch_pool(self, engine: Engine) -> None:
        """Count the connections of a pool that are in use."""

        def taken(*_: object) -> None:
            self._connections.inc()

        def given_back(*_: object) -> None:
            self._connections.dec()

        event.listen(engine, "checkout", taken)
        event.listen(engine, "checkin", given_back)
        event.listen(engine, "detach", given_back)

    def _hear_task(self, integration: str, task: TaskEnded) -> None:
        self._tasks.labels(integration, task.type, task.status).inc()
        if task.status == "success":
            self._task_seconds.labels(integration, task.type).observe(task.seconds)
        else:
            self._failures.labels(integration, task.cause or task.status).inc()

    def _hear_end(self, integration: str, job: JobMoved) -> None:
        self._jobs.labels(integration, job.status).inc()
        if job.seconds is not None:
            self._job_seconds.labels(integration).observe(job.seconds)

    def _counter(self, name: str, about: str, *labels: str) -> Counter:
        return Counter(name, about, labels, registry=self.registry)

    def _gauge(self, name: str, about: str, *labels: str) -> Gauge:
        return Gauge(name, about, labels, registry=self.registry, multiprocess_mode="livesum")

    def _histogram(
        self, name: str, about: str, buckets: Sequence[float], labels: Sequence[str]
    ) -> Histogram:
        return Histogram(name, about, labels, buckets=buckets, registry=self.registry)


def shared_metrics_of(settings: Settings) -> Path | None:
    """Return where several serving processes keep their values; None where there is one."""
    return settings.data_dir / "metrics" if settings.api_processes > 1 else None


def share_values(directory: Path) -> None:
    """Keep the values of metrics that are made from now on where other processes read them.

    Call it in a process that serves beside others, before its metrics are made.
    """
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(directory)  # where prometheus_client looks
    shared: Any = values.MultiProcessValue()  # type: ignore[no-untyped-call]  # it has no types
    values.ValueClass = shared


def registry_of_all(directory: Path) -> CollectorRegistry:
    """Return what the processes that share a directory have counted together."""
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(directory))  # type: ignore[no-untyped-call]  # it has no types
    return registry
