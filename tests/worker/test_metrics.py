from __future__ import annotations

import socket

import httpx2
import pytest

from tests.worker.test_job_run import grant
from worker.errors import WorkerError
from worker.metrics import LOOPBACK, Gauges, WorkerMetrics
from worker.outbox import Depth
from worker.stop_signal import StopSignal
from worker.warm_state import WarmStarted, WarmTotals


@pytest.fixture
def metrics() -> WorkerMetrics:
    metrics = WorkerMetrics()
    metrics.show(
        Gauges(
            jobs_running=lambda: 3,
            leases=lambda: 4,
            outbox=lambda: Depth(5, 600, 7.5),
            warm=lambda: WarmTotals(2, 1000),
            started=lambda: WarmStarted(8, 9),
        )
    )
    return metrics


def test_attempts_and_builds_are_counted(metrics: WorkerMetrics) -> None:
    run = metrics.counted(lambda _grant, _stop: "partial")
    assert run(grant("dns"), StopSignal()) == "partial"
    metrics.count_build("built", 2.0)
    metrics.count_build("failed", 1.0)
    value = metrics.registry.get_sample_value
    labels = {"integration": "dns", "status": "partial"}
    assert value("trueline_worker_jobs_total", labels) == 1
    assert value("trueline_worker_job_seconds_count", {"integration": "dns"}) == 1
    assert value("trueline_worker_environment_builds_total", {"result": "failed"}) == 1
    assert value("trueline_worker_environment_build_seconds_sum") == 3


def test_gauges_are_looked_at_when_asked_for(metrics: WorkerMetrics) -> None:
    value = metrics.registry.get_sample_value
    assert value("trueline_worker_jobs_running") == 3
    assert value("trueline_worker_outbox_oldest_seconds") == 7.5
    assert value("trueline_worker_starts_total", {"how": "warm"}) == 8
    assert value("trueline_worker_starts_total", {"how": "cold"}) == 9


def test_they_are_served_on_loopback_until_the_end(metrics: WorkerMetrics) -> None:
    with socket.create_server((LOOPBACK, 0)) as free:
        port = free.getsockname()[1]
    end = metrics.serve(port)
    said = httpx2.get(f"http://{LOOPBACK}:{port}/metrics", trust_env=False).text
    assert "trueline_worker_leases 4.0" in said
    end()
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(f"http://{LOOPBACK}:{port}/metrics", trust_env=False)


def test_a_port_that_is_taken_is_a_clear_error(metrics: WorkerMetrics) -> None:
    with socket.create_server((LOOPBACK, 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(WorkerError, match=f"port {port}") as refused:
            metrics.serve(port)
    assert "TRUELINE_WORKER_METRICS_PORT" in refused.value.advice
