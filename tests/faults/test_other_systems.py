"""Another system refuses, limits or fails its jobs: what becomes of the job and its deployment."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.faults.site import Site
    from tests.remote import Remote

TOKEN = "s3cr3t-t0ken"


@pytest.fixture
def integrations() -> tuple[str, ...]:
    return ("remote_system",)


@pytest.fixture
def deployment(site: Site, remote: Remote) -> str:
    site.init()
    site.start_worker(loopback_ports=str(remote.port))
    return site.deploy("remote_system", url=remote.url, token=TOKEN)


def test_a_spent_rate_limit_lets_the_job_wait_and_then_succeed(
    site: Site, remote: Remote, deployment: str
) -> None:
    limited = remote.json({"said": TOKEN}, 429, Retry_After="1")
    remote.replies("/items", limited, remote.json([1]))
    job = site.ended(site.submit(deployment))
    assert (job["status"], job["attempt"], job["retries"]) == ("success", 2, 1), job
    assert site.tasks(job["id"])["read_items"]["data"] == {"items": [1]}
    assert len(remote.got) == 2


def test_refused_credentials_stop_the_deployment_until_they_are_renewed(
    site: Site, remote: Remote, deployment: str, wait_until: Callable[..., Any]
) -> None:
    remote.replies("/items", remote.json({"said": TOKEN}, 401))
    site.http.patch(f"/api/v1/deployments/{deployment}", json={"schedule": "every 10s"})
    wait_until(lambda: _deployment(site, deployment)["state"] == "needs_attention")
    stopped = _deployment(site, deployment)
    assert stopped["next_due_at"] is None
    assert "credentials were refused" in stopped["problem"]["reason"]
    assert TOKEN not in str(stopped)
    (asked,) = remote.got
    assert asked.headers["authorization"] == f"Bearer {TOKEN}"
    remote.replies("/items", remote.json([1]))
    config = {"url": remote.url, "token": "renewed"}
    site.http.patch(f"/api/v1/deployments/{deployment}", json={"config": config})
    job = site.ended(site.submit(deployment))
    assert job["status"] == "success", job
    assert remote.got[-1].headers["authorization"] == "Bearer renewed"


def _deployment(site: Site, deployment: str) -> dict[str, Any]:
    answer: dict[str, Any] = site.http.get(f"/api/v1/deployments/{deployment}").json()
    return answer
