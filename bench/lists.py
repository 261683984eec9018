"""A page of a list with much on record, beside the same page with little; sorts and filters."""

import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

from api.tables import jobs
from bench.history import Template, fill
from bench.lone_api import INTEGRATION, LoneApi, running_api
from bench.rows import NotMeasured, Row, at_most

GOAL = 1.5
MUCH, LITTLE = 1_000_000, 1_000
PAGES = 200
NEEDED_BYTES = 6_000_000_000
SINCE = (datetime.now(UTC) - timedelta(days=300)).isoformat()
LISTS: Mapping[str, str] = MappingProxyType(
    {
        "jobs": "/jobs",
        "jobs, the oldest": "/jobs?sort=created_at",
        "a deployment's failed jobs": "/jobs?status=failed&deployment=history-7",
        "jobs since a time": f"/jobs?since={SINCE.replace('+', '%2B')}",
        "violations": "/violations",
        "violations, open, high": "/violations?status=open&min_severity=high",
        "violations, seen last": "/violations?sort=-last_seen",
        "violations, the newest": "/violations?sort=-first_seen",
        "a deployment's violations": "/violations?deployment=history-7&sort=-last_seen",
        "violations of two deployments": "/violations?deployment=history-7&deployment=history-3",
        "violations of an integration": f"/violations?integration={INTEGRATION}&severity=low",
    }
)


def measure(
    much: int = MUCH, little: int = LITTLE, pages: int = PAGES
) -> Iterator[Row | NotMeasured]:
    """Measure the first page and a page deep in the list, both sides by turns."""
    if shutil.disk_usage(tempfile.gettempdir()).free < NEEDED_BYTES:
        yield NotMeasured("lists", f"{tempfile.gettempdir()} has less than 6 GB left")
        return
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="trueline-bench-")))
        sides = []
        for name, number in (("much", much), ("little", little)):
            fill(folder / name, _template(), number)
            sides.append(stack.enter_context(running_api(folder / name)))
        for name, address in LISTS.items():
            yield _row(f"{name}: of {much:,}, beside {little:,}", address, sides, pages)
            yield _row(f"{name}, page 10: of {much:,}, beside {little:,}", address, sides, pages, 9)


def _row(what: str, address: str, sides: list[LoneApi], pages: int, skip: int = 0) -> Row:
    addresses = [_later(api, address, skip) for api in sides]
    times: list[list[float]] = [[] for _ in sides]
    warm_up = pages // 20
    for number in range(warm_up + pages):
        for index in (0, 1) if number % 2 else (1, 0):
            started = time.perf_counter()
            sides[index].get(addresses[index])
            times[index].append(time.perf_counter() - started)
    ours, beside = (statistics.median(one[warm_up:]) * 1000 for one in times)
    return at_most(f"page of {what}", ours, beside, "ms", GOAL)


def _later(api: LoneApi, address: str, skip: int) -> str:
    """Return the address of a page after as many small ones as the shorter list has."""
    sized = f"{address}{'&' if '?' in address else '?'}limit="
    cursor = ""
    for _ in range(skip):
        found = api.get(f"{sized}2{cursor}")["next_cursor"]
        if found is None:
            break
        cursor = f"&cursor={found}"
    return f"{sized}10{cursor}"


def _template() -> Template:
    job: dict[str, Any] = {
        "id": "template",
        "kind": "scan",
        "integration": INTEGRATION,
        "status": "success",
        "attempt": 1,
        "losses": 0,
        "trigger": "manual",
        "cancel_requested": False,
    }
    times = dict.fromkeys(("created_at", "started_at", "finished_at"), datetime.now(UTC))
    whose = {"deployment_id": "", "deployment_name": ""}
    return Template({jobs: [job | times | whose]})
