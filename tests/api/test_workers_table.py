from dataclasses import fields

from api.workers import WorkerReport
from api.workers_table import workers


def test_the_table_has_what_is_reported_and_when() -> None:
    assert {it.name for it in workers.c} == {it.name for it in fields(WorkerReport)} | {
        "last_seen_at"
    }
