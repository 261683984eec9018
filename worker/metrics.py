"""What a worker counts, and the loopback port where Prometheus may ask for it."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, Counter, Histogram, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from utils.metric_labels import BoundedLabel
from worker.api_answers import Grant
from worker.errors import WorkerError
from worker.outbox import Depth
from worker.stop_signal import StopSignal
from worker.warm_state import WarmStarted, WarmTotals

LOOPBACK = "127.0.0.1"
JOB_SECONDS = (0.1, 0.5, 1, 2, 5, 10, 30, 60, 180, 600, 3600)
BUILD_SECONDS = (0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600)
MOST_INTEGRATIONS = 200

Run = Callable[[Grant, StopSignal], str]


@dataclass(frozen=True)
class Gauges:
    """What is looked at when somebody asks."""

    jobs_running: Callable[[], int]
    leases: Callable[[], int]
    outbox: Callable[[], Depth]
    warm: Callable[[], WarmTotals]
    started: Callable[[], WarmStarted]


class WorkerMetrics:
    """The counters of one worker; any thread may use them."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._integration = BoundedLabel(MOST_INTEGRATIONS)
        self._jobs = Counter(
            "trueline_worker_jobs",
            "Attempts at jobs that have ended here.",
            ("integration", "status"),
            registry=self.registry,
        )
        self._job_seconds = Histogram(
            "trueline_worker_job_seconds",
            "How long attempts took.",
            ("integration",),
            buckets=JOB_SECONDS,
            registry=self.registry,
        )
        self._builds = Counter(
            "trueline_worker_environment_builds",
            "Environments built, by result.",
            ("result",),
            registry=self.registry,
        )
        self._build_seconds = Histogram(
            "trueline_worker_environment_build_seconds",
            "How long builds of environments took.",
            buckets=BUILD_SECONDS,
            registry=self.registry,
        )

    def counted(self, run: Run) -> Run:
        """Return `run`, with each attempt counted."""

        def run_and_count(grant: Grant, stop: StopSignal) -> str:
            began = time.monotonic()
            status = run(grant, stop)
            integration = self._integration(grant.integration)
            self._jobs.labels(integration, status).inc()
            self._job_seconds.labels(integration).observe(time.monotonic() - began)
            return status

        return run_and_count

    def count_build(self, result: str, seconds: float) -> None:
        """Count a build that went well (`built`) or not (`failed`)."""
        self._builds.labels(result).inc()
        self._build_seconds.observe(seconds)

    def show(self, gauges: Gauges) -> None:
        """Show these as well."""
        self.registry.register(_Look(gauges))

    def serve(self, port: int) -> Callable[[], None]:
        """Answer at a port of this machine; returns what ends that. Raises WorkerError."""
        try:
            server, thread = start_http_server(port, LOOPBACK, self.registry)
        except OSError as error:
            raise WorkerError(
                f"metrics cannot be served at port {port} of {LOOPBACK}: {error.strerror}",
                "set TRUELINE_WORKER_METRICS_PORT to a port that is free, or to 0 for none",
            ) from error
        return lambda: _end(server, thread)


class _Look(Collector):
    def __init__(self, gauges: Gauges) -> None:
        self._gauges = gauges

    def describe(self) -> list[Metric]:
        """Name nothing at the registration: nothing is open yet."""
        return []

    def collect(self) -> Iterator[Metric]:
        look = self._gauges
        depth, warm, started = look.outbox(), look.warm(), look.started()
        for name, about, value in (
            ("jobs_running", "Jobs that run here.", look.jobs_running()),
            (
                "leases",
                "Leases that are renewed: of jobs that run or are not reported.",
                look.leases(),
            ),
            ("outbox_events", "Events that the API has not confirmed.", depth.events),
            ("outbox_bytes", "Their size, large data included.", depth.size_bytes),
            ("outbox_oldest_seconds", "How long the oldest has waited.", depth.oldest_seconds),
            ("warm_processes", "Integrations that are kept imported.", warm.processes),
            ("warm_memory_bytes", "What they took when they were ready.", warm.memory_bytes),
        ):
            yield GaugeMetricFamily(f"trueline_worker_{name}", about, value)
        starts = CounterMetricFamily(
            "trueline_worker_starts", "Children of jobs started, by how.", labels=["how"]
        )
        starts.add_metric(["warm"], started.warm)
        starts.add_metric(["cold"], started.cold)
        yield starts


def _end(server: WSGIServer, thread: threading.Thread) -> None:
    server.shutdown()
    server.server_close()
    thread.join()
