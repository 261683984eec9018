"""Thousands of requests made from /openapi.json, good ones and bad ones, to an API with data."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from api.database import Database
from utils import __version__

if TYPE_CHECKING:
    from tests.api.served import Served

CONFIG = Path(__file__).parents[1] / "fixtures" / "contract" / "schemathesis.toml"
EXAMPLES = os.environ.get("CONTRACT_EXAMPLES", "3")  # for each operation; 200 to look deeper


@pytest.fixture
def address(
    registered: object,
    database: Database,
    start_server: "Callable[..., Served]",
    commit_source: Callable[..., str],
) -> str:
    """Serve an API that has of everything something."""
    del registered
    database.close()
    commit_source([{"name": "dns", "title": "DNS"}])
    served = start_server()
    with httpx2.Client(base_url=served.url, timeout=30) as http:
        fill(http)
    return served.url


def fill(http: httpx2.Client) -> None:
    for name in ("prod", "spare"):
        body = {"name": name, "integration": "dns", "config": {"token": "t"}}
        good(http.post("/api/v1/deployments", json=body))
    good(http.post("/api/v1/deployments/prod/jobs"))
    wanted = {"worker": "w1", "slots": 1, "wait_seconds": 0, "version": __version__}
    (lease,) = good(http.post("/api/v1/leases", json=wanted))["leases"]
    report = {name: lease[name] for name in ("job_id", "attempt", "token")}
    report["events"] = [
        {"seq": 1, "at": AT, "type": "task_finished", "result": RESULT},
        {"seq": 2, "at": AT, "type": "job_finished", "status": "success", "error": None},
    ]
    good(http.post("/api/v1/events", json={"reports": [report]}))
    good(http.post("/api/v1/deployments/prod/jobs"))
    assert good(http.get("/api/v1/violations"))["items"]


AT = "2026-03-02T12:00:00Z"
RESULT: Mapping[str, Any] = {
    "name": "judge",
    "title": "Judge",
    "type": "insight",
    "status": "success",
    "verdict": "fail",
    "severity": "high",
    "message": "no",
    "data": {},
    "resources": None,
    "errors": None,
    "logs": [],
    "duration_seconds": 0.1,
    "reason": None,
    "partial": [],
    "cause": None,
}


def good(answer: httpx2.Response) -> Any:
    assert answer.is_success, answer.text
    return answer.json()


@pytest.mark.one_database
@pytest.mark.timeout(1_900)
def test_every_answer_is_as_described(address: str, tmp_path: Path) -> None:
    command = [
        *(str(Path(sys.executable).with_name("schemathesis")), "--config-file", str(CONFIG)),
        *("run", f"{address}/openapi.json", "--checks", "all", "--max-examples", EXAMPLES),
        *("--continue-on-failure", "--no-shrink", "--seed", "1", "--request-timeout", "20"),
        *("--generation-database", "none", "--warnings", "off"),
        *("--workers", "1"),  # with more, Python 3.11 may lose count of its recursion depth
        *("--suppress-health-check", "all"),  # that a machine is slow is no fault of the API
    ]
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "NO_COLOR": "1"}
    environ["PYTHONPATH"] = str(CONFIG.parents[3])
    done = subprocess.run(
        command,
        env=environ,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=1_800,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr
