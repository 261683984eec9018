"""What operating.md says of metrics and checks is what there is."""

import re
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from api.app import create_app
from api.database import Database
from api.migrate import migrate
from api.queue_metrics import QueueCollector
from api.routes.workers import known_workers
from api.state import State, state_of
from utils.settings import read_settings
from worker.metrics import Gauges, WorkerMetrics
from worker.outbox import Depth
from worker.warm_state import WarmStarted, WarmTotals

PAGE = (Path(__file__).parents[2] / "docs" / "operating.md").read_text(encoding="utf-8")


@pytest.fixture
def state(tmp_path: Path) -> State:
    (tmp_path / "data").mkdir()
    settings = read_settings({"TRUELINE_DATA_DIR": str(tmp_path / "data")}, tmp_path)
    database = Database(settings.database)
    migrate(database)
    return state_of(create_app(settings, database))


def told(heading: str) -> dict[str, set[str]]:
    """Return the metrics and labels of the table with this heading."""
    _, _, rest = PAGE.partition(f"| {heading} |")
    table, _, _ = rest.partition("\n\n")
    rows = re.findall(r"^\| `(\w+)` \|(.*?)\|", table, flags=re.MULTILINE)
    return {name: {it.strip() for it in labels.split(",") if it.strip()} for name, labels in rows}


def names(*registries: CollectorRegistry) -> set[str]:
    found = set()
    for registry in registries:
        for family in registry.collect():
            is_counter = family.type == "counter"
            found.add(f"{family.name}_total" if is_counter else family.name)
    return found


def test_every_metric_of_the_api_stands_in_the_table(state: State) -> None:
    queue = CollectorRegistry()
    queue.register(QueueCollector(state, known_workers))
    assert names(state.metrics.registry, queue) == set(told("metric of the API"))
    state.database.close()


def test_every_metric_of_a_worker_stands_in_the_table() -> None:
    metrics = WorkerMetrics()
    metrics.show(
        Gauges(
            jobs_running=lambda: 0,
            leases=lambda: 0,
            outbox=lambda: Depth(0, 0, 0.0),
            warm=lambda: WarmTotals(0, 0),
            started=WarmStarted,
        )
    )
    assert names(metrics.registry) == set(told("metric of a worker"))


def test_every_check_of_the_api_stands_on_the_page(state: State) -> None:
    for check in state.checks.run():
        assert f"`{check.name}`" in PAGE, check.name
    state.database.close()
