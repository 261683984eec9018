"""Intake of events over HTTP: batched reports beside one event a request, same route, same API."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from api.database import Database
from api.listener import ADDRESS_FILE
from api.migrate import migrate
from api.tables import integrations
from bench.rows import Row, at_least
from utils import __version__

NAME = "intake of events, batched : one row a request"
GOAL = 20.0
BATCH = 500
SECONDS = 4.0
ROOT = Path(__file__).resolve().parent.parent


def measure() -> list[Row]:
    """Measure both ways in turns, so that a change of the machine's pace meets both."""
    with tempfile.TemporaryDirectory() as folder, _api(Path(folder)) as api:
        _events_per_second(api, BATCH, 0.5)  # warm
        single = batched = 0.0
        turns = 3
        for _ in range(turns):
            single += _events_per_second(api, 1, SECONDS / turns) / turns
            batched += _events_per_second(api, BATCH, SECONDS / turns) / turns
    return [at_least(NAME, batched, single, "/s", GOAL)]


class Api:
    """One connection to an API, as a worker has it."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self._connection = HTTPConnection(parts.hostname or "", parts.port)

    def post(self, path: str, body: Any) -> Any:
        """POST JSON; raises RuntimeError for a refusal."""
        headers = {"Content-Type": "application/json"}
        self._connection.request("POST", f"/api/v1{path}", json.dumps(body), headers)
        answer = self._connection.getresponse()
        content = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{path}: {answer.status} {content.decode()}")
        return json.loads(content)


def _events_per_second(api: Api, batch: int, seconds: float) -> float:
    lease = _lease(api)
    seq = 0
    start = time.perf_counter()
    while time.perf_counter() - start < seconds:
        events = [_event(seq + number) for number in range(1, batch + 1)]
        api.post("/events", {"reports": [lease | {"events": events}]})
        seq += batch
    return seq / (time.perf_counter() - start)


def _event(seq: int) -> dict[str, Any]:
    at = datetime.now(UTC).isoformat()
    return {"seq": seq, "at": at, "type": "output", "stream": "stdout", "text": f"line {seq}\n"}


def _lease(api: Api) -> dict[str, Any]:
    api.post("/deployments/bench/jobs", {})
    wanted = {"worker": "bench", "slots": 1, "wait_seconds": 5, "version": __version__}
    lease = api.post("/leases", wanted)["leases"][0]
    return {name: lease[name] for name in ("job_id", "attempt", "token")}


@contextmanager
def _api(data_dir: Path) -> Iterator[Api]:
    _prepare(data_dir)
    environ = {name: value for name, value in os.environ.items() if "TRUELINE" not in name}
    environ |= {"TRUELINE_DATA_DIR": str(data_dir), "TRUELINE_API_PORT": "0"}
    process = subprocess.Popen(
        [sys.executable, "-m", "api"], cwd=ROOT, env=environ, start_new_session=True
    )
    try:
        api = Api(_address(process, data_dir / ADDRESS_FILE))
        api.post("/deployments", {"name": "bench", "integration": "bench", "config": {}})
        yield api
    finally:
        process.terminate()
        process.wait(timeout=30)


def _prepare(data_dir: Path) -> None:
    database = Database(f"sqlite:///{data_dir / 'trueline.db'}")
    migrate(database)
    now = datetime.now(UTC)
    row = {
        "name": "bench",
        "title": "Bench",
        "description": "",
        "enabled": True,
        "schema": {"type": "object"},
        "state": "registered",
        "created_at": now,
        "updated_at": now,
    }
    with database.write() as connection:
        connection.execute(integrations.insert().values(row))
    database.close()


def _address(process: subprocess.Popen[bytes], path: Path) -> str:
    end = time.monotonic() + 30
    while time.monotonic() < end and process.poll() is None:
        if path.exists() and (address := path.read_text("utf-8").strip()):
            return address
        time.sleep(0.02)
    raise RuntimeError("the API did not start")
