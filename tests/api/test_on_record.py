from typing import TYPE_CHECKING

import pytest

from api.acceptance import Catalogued, OnRecord
from api.database import Database
from api.on_record import read_on_record

if TYPE_CHECKING:
    from tests.api.desk import Desk


@pytest.fixture
def job_id(desk: "Desk") -> str:
    desk.start()
    (lease,) = desk.lease()
    desk.good(desk.send(lease, desk.started(lease), desk.finished(lease, "check")))
    return str(lease["job_id"])


def test_what_is_on_record_of_a_job_is_read(database: Database, job_id: str) -> None:
    with database.write() as connection:
        known = read_on_record(connection, {job_id})[job_id]
    assert known.job is not None
    assert (known.job.id, known.job.worker) == (job_id, "w1")
    assert known.last_seq == 2
    assert known.results == {"check": "success"}
    assert known.catalogued == Catalogued()


def test_job_without_events_has_no_results(desk: "Desk", database: Database) -> None:
    new = desk.start()
    with database.write() as connection:
        known = read_on_record(connection, {new})[new]
    assert (known.last_seq, known.results) == (0, {})


def test_job_that_does_not_exist_is_nothing_on_record(database: Database) -> None:
    with database.write() as connection:
        assert read_on_record(connection, {"nobody"}) == {"nobody": OnRecord(None)}
