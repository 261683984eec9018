"""Intake of events on PostgreSQL, beside bare batched inserts of the same rows by SQLAlchemy."""

import statistics
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from api.acceptance import Report
from api.database import Database
from api.intake import record_reports
from api.leases import Held
from api.migrate import migrate
from api.tables import events, jobs
from bench.lone_api import LoneApi, running_api
from bench.rows import Row, at_least
from tests.postgres import PostgreSQL

BATCH = 500
ROUNDS = 60
GOAL = 0.5


def measure() -> list[Row]:
    """Measure one after the other in turns, each batch a durable transaction on both sides."""
    server = PostgreSQL(is_durable=True)
    try:
        url, bare = (server.url(server.create()) for _ in range(2))
        with tempfile.TemporaryDirectory() as folder:
            settings = {"TRUELINE_DATABASE_URL": url}
            with running_api(Path(folder), **settings) as api:
                return _measured(api, Database(url), Database(bare))
    finally:
        server.close()


def _measured(api: LoneApi, database: Database, bare: Database) -> list[Row]:
    migrate(bare)
    api.deploy("bench")
    lease = _lease(api)
    seconds: dict[str, list[float]] = {"http": [], "here": [], "bare": []}
    with bare.write() as connection, database.read() as ours:
        connection.execute(insert(jobs), [dict(ours.execute(jobs.select()).mappings().one())])
    for turn in range(ROUNDS):
        for number, (name, times) in enumerate(seconds.items()):
            made = [_event(BATCH * (2 * turn + number % 2) + n + 1) for n in range(BATCH)]
            started = time.perf_counter()
            if name == "http":
                api.post("/events", {"reports": [lease | {"events": made}]})
            elif name == "here":
                _record(database, lease, made)
            else:
                _insert(bare, lease, made)
            times.append(time.perf_counter() - started)
    for one in (database, bare):
        one.close()
    rate = {name: BATCH / statistics.median(times) for name, times in seconds.items()}
    what = f"intake of events on PostgreSQL, {BATCH} at once, beside bare inserts"
    return [
        at_least(f"{what}, in the process", rate["here"], rate["bare"], "/s", GOAL),
        at_least(f"{what}, over HTTP", rate["http"], rate["bare"], "/s", GOAL),
    ]


def _lease(api: LoneApi) -> dict[str, Any]:
    api.post("/deployments/bench/jobs", {})
    return api.lease()


def _record(database: Database, lease: dict[str, Any], made: Sequence[dict[str, Any]]) -> None:
    record_reports(database, [Report(Held(**lease), made)], datetime.now(UTC))


def _insert(database: Database, lease: dict[str, Any], made: Sequence[dict[str, Any]]) -> None:
    rows = [
        {
            "job_id": lease["job_id"],
            "attempt": lease["attempt"],
            "seq": event["seq"],
            "type": event["type"],
            "at": datetime.fromisoformat(event["at"]),
            "payload": {"stream": event["stream"], "text": event["text"]},
        }
        for event in made
    ]
    with database.write() as connection:
        connection.execute(insert(events), rows)


def _event(seq: int) -> dict[str, Any]:
    at = datetime.now(UTC).isoformat()
    return {"seq": seq, "at": at, "type": "output", "stream": "stdout", "text": f"line {seq}\n"}
