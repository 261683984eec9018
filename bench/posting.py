"""Creating over HTTP: checked by schema and recorded, beside a bare route with the same insert."""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path

from bench.lone_api import ROOT, LoneApi, prepare, running_api, wait_for_address
from bench.rows import Row, at_least

GOAL = 0.6
ROUNDS = 400
WARM_UP = 20
BODY = {
    "integration": "bench",
    "config": {"host": "db-1.example", "port": 5432, "tags": ["a", "b"]},
}


def measure(rounds: int = ROUNDS) -> list[Row]:
    """Measure both by turns, and with an Idempotency-Key too."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        with running_api(root / "ours") as ours, _running_bare(root / "bare") as bare:
            plain = _row("POST, checked and inserted : bare route", ours, bare, rounds)
            keyed = _row("POST with an Idempotency-Key : bare route", ours, bare, rounds, "key")
    return [plain, keyed]


def _row(what: str, ours: LoneApi, bare: LoneApi, rounds: int, key: str = "") -> Row:
    times: dict[LoneApi, list[float]] = {ours: [], bare: []}
    numbers = count()
    for number in range(WARM_UP + rounds):
        for api in (ours, bare) if number % 2 else (bare, ours):
            name = f"{key}n{next(numbers)}"
            started = time.perf_counter()
            api.post(
                "/deployments", BODY | {"name": name}, {"Idempotency-Key": name} if key else {}
            )
            times[api].append(time.perf_counter() - started)
    ours_rate, bare_rate = (1 / statistics.median(times[api][WARM_UP:]) for api in (ours, bare))
    return at_least(what, ours_rate, bare_rate, "/s", GOAL)


@contextmanager
def _running_bare(data_dir: Path) -> Iterator[LoneApi]:
    prepare(data_dir)
    with (data_dir / "bare.log").open("wb") as log:
        command = [sys.executable, "-m", "bench.bare_api", str(data_dir)]
        process = subprocess.Popen(command, cwd=ROOT, stderr=log, start_new_session=True)
    try:
        with closing(LoneApi(wait_for_address(process, data_dir / "bare.address"))) as api:
            yield api
    finally:
        process.terminate()
        process.wait(timeout=30)
