"""What a rerun of `trueline run --watch` takes beyond what its tasks take by themselves."""

import os
import shutil
import statistics
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.rows import Row, at_most
from cli.imports import imported_modules
from cli.local_run import ONE_WARM, LocalSession, LocalWorker, Outcome, Wish, read_entry
from cli.local_test import read_test_config
from utils.exchange_file import Exchange, read_exchanges
from utils.manifest import Entry
from utils.settings import read_settings
from worker.execution import Prepared

KIT = Path(__file__).parents[1] / "tests" / "fixtures" / "kit"
RERUNS = 15
GOAL_SECONDS = 0.3  # of a rerun, beyond what its tasks take by themselves


def measure() -> Iterator[Row]:
    """Rerun a small integration in a warm process, and in a fresh interpreter beside it."""
    with TemporaryDirectory(prefix="trueline-bench-") as folder:
        checkout = Path(folder) / "checkout"
        shutil.copytree(KIT, checkout)
        kept = {name: value for name, value in os.environ.items() if "TRUELINE_" not in name}
        environ = {**kept, "TRUELINE_DATA_DIR": str(Path(folder) / "data")}
        settings = read_settings(environ, checkout)
        worker = LocalWorker(settings, environ, lambda _event: None)
        entry = read_entry(checkout, "shop")
        home = checkout / "integrations" / "shop"
        exchanges = read_exchanges(home / "tests" / "exchanges" / "default")
        with worker.open(ONE_WARM) as session:
            prepared = session.prepare(checkout, entry, imported_modules(home))
            warm = _beyond_tasks(session, prepared, entry, home, exchanges)
        with worker.open() as session:
            prepared = session.prepare(checkout, entry)
            cold = _beyond_tasks(session, prepared, entry, home, exchanges)
    yield at_most("rerun of a watch beyond its tasks, beside 0.3 s", warm, GOAL_SECONDS, "s", 1.0)
    yield at_most("the same beside a fresh interpreter", warm, cold, "s", 0.5)


def _beyond_tasks(
    session: LocalSession,
    prepared: Prepared,
    entry: Entry,
    home: Path,
    exchanges: tuple[Exchange, ...],
) -> float:
    config = read_test_config(home, "default")
    runs: list[tuple[float, Outcome]] = []
    for _ in range(RERUNS):
        begun = time.perf_counter()
        outcome = session.run(prepared, entry, config, Wish(replay=exchanges))
        runs.append((time.perf_counter() - begun, outcome))
    return seconds_beyond(runs)


def seconds_beyond(runs: Sequence[tuple[float, Outcome]]) -> float:
    """Return what a run takes beyond its tasks, of runs with the time that each took.

    The first one starts the warm process and does not count. Of tasks that did not do what they
    are there for, no time is told.
    """
    beyond: list[float] = []
    for took, outcome in runs[1:]:
        wrong = [one["name"] for one in outcome.results if one["status"] != "success"]
        if wrong or not outcome.results:
            raise RuntimeError(f"tasks that did not succeed: {wrong or 'there were none'}")
        beyond.append(took - sum(float(one["duration_seconds"]) for one in outcome.results))
    return statistics.median(beyond)
