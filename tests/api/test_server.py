import concurrent.futures
import contextlib
import re
import signal
import sqlite3
import threading
import time
from collections.abc import Callable
from typing import Any

import httpx2
import psutil
import pytest

from api.wakeups import LIMITS, Kind
from utils.settings import Settings

pytestmark = pytest.mark.one_database

Start = Callable[..., Any]
DEPLOYMENT = {"name": "prod", "integration": "dns", "config": {}}


@pytest.fixture
def job_url(start_server: Start, commit_source: Callable[..., str]) -> tuple[Any, str]:
    """A running server and the address of a job that nobody carries out."""
    commit_source([{"name": "dns", "title": "DNS"}])
    served = start_server()
    with httpx2.Client(base_url=served.url, trust_env=False, verify=False) as http:
        assert http.post("/init-integrations", timeout=30).status_code == 200
        assert http.post("/api/v1/deployments", json=DEPLOYMENT).status_code == 201
        job = http.post("/api/v1/deployments/prod/jobs").json()
    return served, served.url + str(job["status_url"])


def get(url: str) -> httpx2.Response:
    return httpx2.get(url, timeout=60, trust_env=False, verify=False)


def test_sigterm_wakes_blocked_requests_and_ends_in_order(job_url: tuple[Any, str]) -> None:
    served, url = job_url
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        blocked = [pool.submit(get, f"{url}?timeout=300") for _ in range(4)]
        wait_for_connections(served, 4)
        served.process.send_signal(signal.SIGTERM)
        answers = [future.result(30) for future in blocked]
    assert [answer.status_code for answer in answers] == [200] * 4
    assert answers[0].json()["status"] == "pending"
    assert served.process.wait(20) == 0
    assert served.log_lines[-1]["event"] == "API stopped"
    assert not (served.data_dir / "api.address").exists()


def test_short_requests_are_answered_while_many_wait(job_url: tuple[Any, str]) -> None:
    served, url = job_url
    with concurrent.futures.ThreadPoolExecutor(100) as pool:
        blocked = [pool.submit(get, f"{url}?timeout=300") for _ in range(100)]
        wait_for_connections(served, 100)
        assert get(f"{served.url}/health/ready").status_code == 200
        cancelled = httpx2.post(f"{url}/cancel", trust_env=False, verify=False)
        assert cancelled.json()["status"] == "cancelled"
        ends = {future.result(30).json()["status"] for future in blocked}
    assert ends == {"cancelled"}


def test_blocked_requests_are_capped_and_the_rest_is_served(job_url: tuple[Any, str]) -> None:
    served, url = job_url
    most = LIMITS[Kind.END]
    with concurrent.futures.ThreadPoolExecutor(most) as pool:
        blocked = [pool.submit(get, f"{url}?timeout=300") for _ in range(most)]
        wait_until(lambda: waiting(served) == most)
        refused = get(f"{url}?timeout=300")
        assert refused.status_code == 503
        assert int(refused.headers["Retry-After"]) > 0
        assert refused.json()["advice"]
        assert get(url).json()["status"] == "pending"
        assert get(f"{served.url}/health/ready").status_code == 200
        httpx2.post(f"{url}/cancel", trust_env=False, verify=False)
        assert {future.result(60).json()["status"] for future in blocked} == {"cancelled"}
    assert waiting(served) == 0


def test_several_processes_share_a_port_a_database_and_their_counts(
    start_server: Start, commit_source: Callable[..., str]
) -> None:
    commit_source([{"name": "dns", "title": "DNS"}])
    served = start_server(TRUELINE_API_PROCESSES="3")
    wait_until(lambda: len(said(served, "API listening")) == 3)
    assert len(said(served, "database ready")) == 1
    first, *others = psutil.Process(served.process.pid).children()
    assert len(others) == 2
    with httpx2.Client(base_url=served.url, trust_env=False, timeout=60, verify=False) as http:
        assert http.post("/init-integrations").status_code == 200
        assert http.post("/api/v1/deployments", json=DEPLOYMENT).status_code == 201
        url = served.url + http.post("/api/v1/deployments/prod/jobs").json()["status_url"]
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        blocked = [pool.submit(get, f"{url}?timeout=300") for _ in range(12)]
        wait_until(lambda: waiting(served) == 12)
        httpx2.post(f"{url}/cancel", trust_env=False, verify=False)
        assert {future.result(60).json()["status"] for future in blocked} == {"cancelled"}
    first.kill()
    wait_until(lambda: len(said(served, "API listening")) == 4)
    assert get(url).json()["status"] == "cancelled"
    served.process.send_signal(signal.SIGTERM)
    assert served.process.wait(30) == 0
    assert psutil.wait_procs(others, timeout=15)[1] == []


def test_start_and_stop_are_steps_in_the_log(start_server: Start) -> None:
    served = start_server()
    served.process.send_signal(signal.SIGTERM)
    assert served.process.wait(20) == 0
    steps = [(it["event"], it["step"]) for it in served.log_lines if "step" in it]
    assert steps == [
        ("start step", "listener"),
        ("start step", "database"),
        ("start step", "app"),
        ("stop step", "retention"),
        ("stop step", "waiting requests"),
        ("stop step", "traces"),
        ("stop step", "database"),
    ]
    assert [it["check"] for it in said(served, "check")] == [
        *("database", "schema", "storage", "secrets")
    ]


@pytest.mark.only_on("sqlite")
def test_an_error_of_ours_is_a_generic_problem_and_nothing_shows_its_inside(
    start_server: Start, settings: Settings
) -> None:
    """Security row 31."""
    served = start_server()
    with contextlib.closing(sqlite3.connect(settings.data_dir / "trueline.db")) as database:
        database.execute("ALTER TABLE violations RENAME TO s3cret")
    for path in ("/api/v1/violations", "/violations"):
        answer = get(f"{served.url}{path}")
        assert answer.status_code == 500
        for word in ("violations RENAME", "no such table", "Traceback", "sqlalchemy", "s3cret"):
            assert word not in answer.text
    problem = get(f"{served.url}/api/v1/violations").json()
    assert problem["type"] == "urn:trueline:problem:internal-error"
    assert problem["request_id"] in served.log.read_text()
    for path in ("/console", "/?__debugger__=yes&cmd=resource&f=style.css", "/debug", "/.env"):
        assert "werkzeug" not in get(f"{served.url}{path}").text.lower()


def waiting(served: Any) -> int:
    text = get(f"{served.url}/metrics").text
    found = re.search(r'^trueline_waiting_requests\{kind="end"\} (\S+)', text, re.MULTILINE)
    return int(float(found[1])) if found else 0


def said(served: Any, event: str) -> list[dict[str, Any]]:
    return [line for line in served.log_lines if line["event"] == event]


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_killed_server_leaves_no_process_behind(job_url: tuple[Any, str]) -> None:
    served, _ = job_url
    children = psutil.Process(served.process.pid).children(recursive=True)
    served.process.kill()
    served.process.wait()
    assert psutil.wait_procs(children, timeout=15)[1] == []


def test_interrupt_ends_it_too(start_server: Start) -> None:
    served = start_server()
    served.process.send_signal(signal.SIGINT)
    assert served.process.wait(20) == 0
    assert not (served.data_dir / "api.address").exists()


def wait_for_connections(served: Any, count: int) -> None:
    end = time.monotonic() + 30
    port = int(served.url.rpartition(":")[2])
    while True:
        pids = [served.process.pid]
        pids += [it.pid for it in psutil.Process(served.process.pid).children()]
        found = {
            it.raddr
            for pid in pids
            for it in psutil.Process(pid).net_connections("tcp")
            if it.status == psutil.CONN_ESTABLISHED and it.laddr.port == port
        }
        if len(found) >= count:
            return
        assert time.monotonic() < end, f"{len(found)} of {count} connections"
        threading.Event().wait(0.02)


def test_killed_server_starts_again_at_once_on_its_port_while_requests_wait(
    job_url: tuple[Any, str], start_server: Start
) -> None:
    served, url = job_url
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        blocked = [pool.submit(get, f"{url}?timeout=300") for _ in range(2)]
        wait_for_connections(served, 2)
        served.process.kill()
        served.process.wait()
        for request in blocked:
            assert isinstance(request.exception(20), httpx2.TransportError)
    address = served.url
    (served.data_dir / "api.address").unlink()
    again = start_server(TRUELINE_API_PORT=address.rpartition(":")[2])
    assert again.url == address
    assert get(url).json()["status"] == "pending"
