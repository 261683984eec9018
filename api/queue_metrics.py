"""What the database says of queues and of workers, read when the metrics are asked for."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import TypeVar

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from api.deliveries import DeliveryStatus
from api.jobs import JobStatus
from api.metrics import MOST_INTEGRATIONS
from api.state import State
from api.tables import jobs
from api.webhook_tables import deliveries, webhooks
from api.workers import Worker
from utils.metric_labels import OTHER

T = TypeVar("T")
_UNTOLD = (
    select(webhooks.c.name, func.count(), func.min(deliveries.c.created_at))
    .join(webhooks, webhooks.c.id == deliveries.c.webhook_id)
    .where(deliveries.c.status == DeliveryStatus.PENDING)
    .group_by(webhooks.c.name)
    .order_by(webhooks.c.name)
)
_WAITING = (
    select(jobs.c.integration, func.count(), func.min(jobs.c.created_at))
    .where(jobs.c.status == JobStatus.PENDING)
    .group_by(jobs.c.integration)
    .order_by(func.count().desc(), jobs.c.integration)
)
_RUNNING = (
    select(jobs.c.integration, func.count())
    .where(jobs.c.status == JobStatus.RUNNING)
    .group_by(jobs.c.integration)
    .order_by(func.count().desc(), jobs.c.integration)
)


class QueueCollector(Collector):
    """Its queries follow the indexes of queues: they read what has not ended, and nothing else."""

    def __init__(self, state: State, workers: Callable[[State], list[Worker]]) -> None:
        self._state = state
        self._workers = workers

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Name nothing at the registration: that must not ask the database."""
        return ()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Read it all; while the database does not answer, only that is told."""
        try:
            families = [*self._of_jobs(), *self._of_workers(), *self._of_deliveries()]
            is_up = 1
        except SQLAlchemyError:
            families, is_up = [], 0
        yield GaugeMetricFamily("trueline_database_up", "Whether the database answers.", is_up)
        yield from families

    def _of_jobs(self) -> Iterator[GaugeMetricFamily]:
        with self._state.database.read() as connection:
            waiting = list(connection.execute(_WAITING))
            running = {row[0]: row[1] for row in connection.execute(_RUNNING)}
        now = self._state.clock()
        oldest = _family("trueline_queue_oldest_seconds", "Age of the oldest job that waits.")
        for name, since in _bounded({name: since for name, _, since in waiting}, min).items():
            oldest.add_metric([name], _seconds(since, now))
        yield _counts("trueline_queue_jobs", "Jobs that wait.", {name: n for name, n, _ in waiting})
        yield oldest
        yield _counts("trueline_jobs_running", "Jobs under a lease.", running)

    def _of_workers(self) -> Iterator[GaugeMetricFamily]:
        workers = self._workers(self._state)
        states = GaugeMetricFamily("trueline_workers", "Workers by state.", labels=["state"])
        for state in ("running", "silent", "stopped"):
            states.add_metric([state], sum(worker.state == state for worker in workers))
        yield states
        live = [worker for worker in workers if worker.state != "stopped"]
        for name, about, values in (
            ("events", "Events", [worker.outbox_events for worker in live]),
            ("bytes", "Bytes", [worker.outbox_bytes for worker in live]),
            ("oldest_seconds", "Age", [worker.outbox_oldest_seconds for worker in live]),
        ):
            family = GaugeMetricFamily(
                f"trueline_outbox_{name}", f"{about} of a worker's outbox.", labels=["worker"]
            )
            for worker, value in zip(live, values, strict=True):
                family.add_metric([worker.name], value)
            yield family

    def _of_deliveries(self) -> Iterator[GaugeMetricFamily]:
        with self._state.database.read() as connection:
            untold = list(connection.execute(_UNTOLD))
        now = self._state.clock()
        depth = GaugeMetricFamily(
            "trueline_webhook_queue_deliveries", "Deliveries that wait.", labels=["webhook"]
        )
        oldest = GaugeMetricFamily(
            "trueline_webhook_queue_oldest_seconds", "Age of the oldest.", labels=["webhook"]
        )
        for name, count, since in untold:
            depth.add_metric([name], count)
            oldest.add_metric([name], _seconds(since, now))
        yield depth
        yield oldest


def _family(name: str, about: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, about, labels=["integration"])


def _counts(name: str, about: str, counts: dict[str, int]) -> GaugeMetricFamily:
    family = _family(name, about)
    for integration, count in _bounded(counts, sum).items():
        family.add_metric([integration], count)
    return family


def _bounded(found: dict[str, T], joined: Callable[[list[T]], T]) -> dict[str, T]:
    """Return the first integrations, and the others as one."""
    names = list(found)
    shown = {name: found[name] for name in names[:MOST_INTEGRATIONS]}
    if rest := [found[name] for name in names[MOST_INTEGRATIONS:]]:
        shown[OTHER] = joined(rest)
    return shown


def _seconds(since: datetime, now: datetime) -> float:
    return max((now - since).total_seconds(), 0.0)
