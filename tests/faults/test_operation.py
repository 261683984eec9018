"""What an operator sees of workers that die, of a request that travels, and of an orderly end."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from cli.checks import run_checks
from tests.otlp import receiving_spans
from utils.settings import read_settings

if TYPE_CHECKING:
    from tests.faults.site import Site

Wait = Callable[..., Any]
TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
CALLER = {"X-Request-ID": "callers-own", "traceparent": f"00-{TRACE}-{SPAN}-01"}


def workers(site: Site) -> dict[str, dict[str, Any]]:
    items = site.http.get("/api/v1/workers").raise_for_status().json()["items"]
    return {worker["name"]: worker for worker in items}


def test_a_killed_worker_falls_silent_and_one_that_ends_in_order_says_so(
    site: Site, wait_until: Wait, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    killed, ended = (
        site.start_worker("killed", worker_metrics_port=port),
        site.start_worker("ended"),
    )
    metrics = httpx2.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text
    assert "trueline_worker_jobs_running 0.0" in metrics
    wait_until(lambda: len(workers(site)) == 2)
    assert {worker["state"] for worker in workers(site).values()} == {"running"}
    name = site.worker_name("killed")

    killed.kill()
    assert ended.stop() == 0

    wait_until(lambda: workers(site)[name]["state"] == "silent")
    assert workers(site)[site.worker_name("ended")]["state"] == "stopped"
    environ = {
        "TRUELINE_API_URL": f"http://127.0.0.1:{site.port}",
        "TRUELINE_DATA_DIR": str(tmp_path / "doctor"),
        "TRUELINE_SOURCE_URL": str(site.repository.path),
    }
    found = {it.name: it for it in run_checks(read_settings(environ, tmp_path), os.environ)}
    assert str(found[f"worker {name}"].error).startswith("silent: last seen")
    assert found[f"worker {name}"].advice
    assert found[f"worker {site.worker_name('ended')}"].error is None
    steps = [line["step"] for line in ended.said("stop step")]
    assert steps[:4] == ["schedule and consumers", "jobs", "outbox", "leases"]


def test_one_request_is_followed_from_its_caller_to_the_child_and_back(
    site: Site, gate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = "integrations/gated/insights/look.py"
    logs = 'ctx.add_log(f"{ctx.request_id} {ctx.traceparent}")'
    site.repository.replace(entry, "    return", f"    {logs}\n    return")
    gate.touch()
    with receiving_spans() as receiver:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
        site.api.stop()
        api = site.start_api()
        worker = site.start_worker()
        site.init()
        deployment = site.deploy("gated", gate=str(gate))
        asked = site.http.post(f"/api/v1/deployments/{deployment}/jobs", headers=CALLER)
        job_id = asked.raise_for_status().json()["job_id"]
        job = site.ended(job_id)
        look = site.tasks(job_id)["look"]
        assert worker.stop() == 0
        assert api.stop() == 0
        (request,) = receiver.named("POST /api/v1/deployments/<deployment>/jobs")
        (span,) = receiver.named("job gated")
        (task,) = receiver.named("task look")
    assert asked.headers["X-Request-ID"] == job["request_id"] == "callers-own"
    assert worker.said("job ended", request_id="callers-own", trace_id=TRACE, job_id=job_id)
    assert api.said("job ended", request_id="callers-own", trace_id=TRACE, job_id=job_id)
    assert {it.trace_id for it in (request, span, task)} == {TRACE}
    assert (request.parent_id, span.parent_id, task.parent_id) == (
        SPAN,
        request.span_id,
        span.span_id,
    )
    assert look["logs"] == [f"callers-own 00-{TRACE}-{span.span_id}-01"]


OTHER_VERSION = """
import runpy
import utils
utils.__version__ = "9.9.9"
runpy.run_module("worker", run_name="__main__")
"""


def test_a_worker_of_another_version_gets_no_jobs_and_is_told_why(
    site: Site, gate: Path, wait_until: Wait, tmp_path: Path
) -> None:
    """Fault row 42."""
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "newer_worker.py").write_text(OTHER_VERSION)
    address = f"http://127.0.0.1:{site.port}"
    given = {"PYTHONPATH": str(tmp_path / "modules"), "TRUELINE_API_URL": address}
    newer = site._start("newer_worker", tmp_path / "newer", given)
    (refused,) = wait_until(lambda: newer.said("no jobs to be had"))
    assert "9.9.9" in refused["reason"]
    assert "start both from the same version" in refused["advice"]
    wait_until(lambda: workers(site))
    assert [worker["version"] for worker in workers(site).values()] == ["9.9.9"]
    site.init()
    gate.touch()
    job_id = site.submit(site.deploy("gated", gate=str(gate)))
    site.start_worker()
    assert site.ended(job_id)["worker"] == site.worker_name("worker")
    assert newer.stop() == 0
