"""What watching costs: how soon a waiting request hears of an end, and what counting takes."""

import logging
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import structlog

from api.app import create_app
from api.database import Database
from api.exchanges import Exchange, log_exchange
from api.metrics import Metrics
from api.migrate import migrate
from bench.lone_api import LoneApi, running_api
from bench.rows import Row, at_most
from utils.logs import configure_logs
from utils.settings import read_settings

ENDS = 60
MOST_MILLISECONDS = 100.0
METRICS_SHARE = 0.02
REQUESTS = 300
CALLS = 5_000


def measure() -> Iterator[Row]:
    """Yield the rows."""
    with tempfile.TemporaryDirectory(prefix="trueline-bench-") as folder:
        yield from _wakes(Path(folder))
        yield from _counting(Path(folder) / "counting")


def _wakes(folder: Path) -> Iterator[Row]:
    data, other = folder / "data", folder / "other"
    with running_api(data) as here:
        url = f"sqlite:///{data / 'trueline.db'}"
        with running_api(other, TRUELINE_DATABASE_URL=url) as there:
            deployment = here.deploy("wakes")
            same = sorted(_wait_for_end(here, here, deployment) for _ in range(ENDS))
            across = sorted(_wait_for_end(here, there, deployment) for _ in range(ENDS))
    for name, share in (("p50", 0.5), ("p95", 0.95)):
        ours, beside = (1000 * times[int(share * (ENDS - 1))] for times in (across, same))
        what = f"waiting GET after an end in another process ({name}) | in its own"
        holds = ours <= MOST_MILLISECONDS
        yield Row(what, ours, beside, "ms", f"<= {MOST_MILLISECONDS:g} ms", ours / beside, holds)


def _wait_for_end(waiting_at: LoneApi, ended_at: LoneApi, deployment: str) -> float:
    """Return the time from the answer to who ended a job until that to who waits for it."""
    job_id = ended_at.post(f"/deployments/{deployment}/jobs", {})["job_id"]
    answered: list[float] = []
    waits = threading.Thread(target=_wait, args=(waiting_at.address, job_id, answered))
    waits.start()
    time.sleep(0.1)  # until it waits
    ended_at.post(f"/jobs/{job_id}/cancel", {})
    ended = time.perf_counter()
    waits.join()
    return max(answered[0] - ended, 0.0)


def _wait(address: str, job_id: str, answered: list[float]) -> None:
    parts = urlsplit(address)
    with closing(HTTPConnection(parts.hostname or "", parts.port)) as connection:
        connection.request("GET", f"/api/v1/jobs/{job_id}?timeout=60")
        connection.getresponse().read()
    answered.append(time.perf_counter())


def _counting(folder: Path) -> Iterator[Row]:
    folder.mkdir()
    settings = read_settings({"TRUELINE_DATA_DIR": str(folder)}, folder)
    database = Database(settings.database)
    migrate(database)
    client = create_app(settings, database).test_client()
    request = _median(lambda: client.get("/api/v1/jobs").close(), REQUESTS)
    database.close()
    exchange = Exchange("GET", "/api/v1/jobs", 200, request, "loopback", "r" * 32)
    metrics = Metrics()
    counted = _median(lambda: metrics.hear_exchange(exchange), CALLS)
    yield at_most(
        "metrics of a request | GET /api/v1/jobs without a server",
        *(counted * 1e6, request * 1e6, "us", METRICS_SHARE),
    )
    ours, beside = _logging_seconds(exchange) * 1e6, request * 1e6
    what = "access log of a request | the same"
    yield Row(what, ours, beside, "us", "-", ours / beside, None)


def _logging_seconds(exchange: Exchange) -> float:
    before = structlog.get_config()
    with Path(os.devnull).open("w", encoding="utf-8") as nothing:
        configure_logs("json", nothing)
        try:
            return _median(lambda: log_exchange(exchange), CALLS)
        finally:
            structlog.configure(**before)
            logging.basicConfig(force=True)


def _median(act: Callable[[], object], times: int) -> float:
    """Return the median duration of a call."""
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        act()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)
