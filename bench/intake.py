"""Intake of events over HTTP: batched reports beside one event a request, same route, same API."""

import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.lone_api import LoneApi, running_api
from bench.rows import Row, at_least

NAME = "intake of events, batched : one row a request"
GOAL = 20.0
BATCH = 500
SECONDS = 4.0


def measure() -> list[Row]:
    """Measure both ways in turns, so that a change of the machine's pace meets both."""
    with tempfile.TemporaryDirectory() as folder, running_api(Path(folder)) as api:
        api.deploy("bench")
        _events_per_second(api, BATCH, 0.5)  # warm
        single = batched = 0.0
        turns = 3
        for _ in range(turns):
            single += _events_per_second(api, 1, SECONDS / turns) / turns
            batched += _events_per_second(api, BATCH, SECONDS / turns) / turns
    return [at_least(NAME, batched, single, "/s", GOAL)]


def _events_per_second(api: LoneApi, batch: int, seconds: float) -> float:
    api.post("/deployments/bench/jobs", {})
    lease = api.lease()
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
