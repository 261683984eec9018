from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from api.exchanges import Exchange
from api.facts import JobMoved, TaskEnded
from api.metrics import MOST_INTEGRATIONS, Metrics, shared_metrics_of
from utils.settings import Settings

pytestmark = pytest.mark.one_database

if TYPE_CHECKING:
    from flask.testing import FlaskClient

    from tests.api.desk import Desk


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def test_jobs_and_tasks_of_a_real_run_are_counted(desk: Desk) -> None:
    cause = {"kind": "rate_limited", "retry_after": None}
    desk.run(
        {"name": "a"},
        {"name": "b", "status": "failed", "verdict": "unknown", "cause": cause},
        {"name": "c", "status": "timeout", "verdict": "unknown"},
    )
    said = desk.client.get("/metrics").text
    insight = 'integration="tool",status="{}",type="insight"'
    for line in (
        'trueline_jobs_ended_total{integration="tool",status="partial"} 1.0',
        'trueline_job_seconds_count{integration="tool"} 1.0',
        f"trueline_tasks_ended_total{{{insight.format('success')}}} 1.0",
        f"trueline_tasks_ended_total{{{insight.format('failed')}}} 1.0",
        'trueline_task_seconds_count{integration="tool",type="insight"} 1.0',
        'trueline_task_failures_total{cause="rate_limited",integration="tool"} 1.0',
        'trueline_task_failures_total{cause="timeout",integration="tool"} 1.0',
    ):
        assert line in said.splitlines(), line


def test_a_lost_lease_is_counted(desk: Desk) -> None:
    desk.start()
    desk.lease()
    desk.clock.move(hours=1)
    desk.good(desk.client.post("/api/v1/ticks", json={"worker": "w"}))
    assert 'trueline_leases_lost_total{integration="tool"} 1.0' in desk.client.get("/metrics").text


def test_labels_are_bounded_whatever_clients_send(client: FlaskClient) -> None:
    for number in range(20):
        client.get(f"/no/such/{number}").close()
        client.open("/health/live", method=f"X{number}").close()
        client.get(f"/api/v1/jobs/{number}").close()
    said = client.get("/metrics").text
    lines = [line for line in said.splitlines() if line.startswith("trueline_http_requests_total")]
    assert len(lines) == 3
    assert 'method="other"' in said
    assert 'route="/api/v1/jobs/<job_id>",status="404"} 20.0' in said
    assert not re.search(r"X\d|such", said)


def test_integrations_beyond_the_most_are_counted_together() -> None:
    metrics = Metrics()
    metrics.hear_facts(
        [TaskEnded(f"i{n}", "collector", "success", 0.1) for n in range(MOST_INTEGRATIONS + 5)]
    )
    labels = {"type": "collector", "status": "success"}
    name = "trueline_tasks_ended_total"
    assert value(metrics, name, integration="i0", **labels) == 1
    assert value(metrics, name, integration="other", **labels) == 5


def test_tries_to_tell_a_webhook_are_counted() -> None:
    metrics = Metrics()
    for result in ("delivered", "failed", "failed"):
        metrics.hear_delivery(result)
    assert value(metrics, "trueline_webhook_deliveries_total", result="delivered") == 1
    assert value(metrics, "trueline_webhook_deliveries_total", result="failed") == 2


def test_a_job_that_never_ran_has_no_duration() -> None:
    metrics = Metrics()
    metrics.hear_facts([JobMoved("j", "i", "cancelled", 0), JobMoved("k", "i", "running", 1)])
    assert value(metrics, "trueline_jobs_ended_total", integration="i", status="cancelled") == 1
    assert value(metrics, "trueline_job_seconds_count", integration="i") is None


SHARING = """
import sys
from pathlib import Path
from api.exchanges import Exchange
from api.metrics import Metrics, registry_of_all, share_values
from api.wakeups import Kind

directory = Path(sys.argv[1])
share_values(directory)
metrics = Metrics()
metrics.hear_exchange(Exchange("GET", "/x", 200, 0.1, "me", "r"))
metrics.hear_waiting(Kind.END, 1)
if sys.argv[2] == "tell":
    registry = registry_of_all(directory)
    print(registry.get_sample_value(
        "trueline_http_requests_total", {"method": "GET", "route": "/x", "status": "200"}
    ))
"""


def test_processes_that_serve_side_by_side_are_summed_up(tmp_path: Path) -> None:
    for word in ("silent", "silent", "tell"):
        argv = [sys.executable, "-c", SHARING, str(tmp_path), word]
        said = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60).stdout
    assert said == "3.0\n"


def test_one_process_keeps_its_values_to_itself(settings: Settings) -> None:
    assert shared_metrics_of(settings) is None
    several = settings.model_copy(update={"api_processes": 2})
    assert shared_metrics_of(several) == settings.data_dir / "metrics"
    metrics = Metrics()
    metrics.hear_exchange(Exchange("GET", None, 404, 0.1, "me", "r"))
    labels = {"method": "GET", "route": "none", "status": "404"}
    assert value(metrics, "trueline_http_requests_total", **labels) == 1
