from collections.abc import Hashable
from typing import TYPE_CHECKING

import pytest

from api.database import Database
from api.marks import marks_reader
from api.wakeups import WORK, Kind, Topic

if TYPE_CHECKING:
    from tests.api.desk import Desk


@pytest.fixture
def other_process(database: Database) -> Database:
    """Open the same database as another process would."""
    return Database(str(database.engine.url))


def test_the_mark_of_work_changes_when_a_first_job_waits(
    desk: "Desk", other_process: Database
) -> None:
    read = marks_reader(other_process)
    empty = read([WORK])[WORK]
    desk.start()
    waiting = read([WORK])[WORK]
    desk.lease()
    assert empty != waiting
    assert read([WORK])[WORK] == empty
    other_process.close()


def test_the_marks_of_a_job_change_with_its_status_and_its_events(
    desk: "Desk", other_process: Database
) -> None:
    job_id = desk.start()
    end, history = Topic(Kind.END, job_id), Topic(Kind.HISTORY, job_id)
    unknown = Topic(Kind.END, "no-such-job")
    read = marks_reader(other_process)
    marks: list[tuple[Hashable, Hashable]] = []

    def mark() -> None:
        found = read([end, history, unknown])
        assert found[unknown] is None
        marks.append((found[end], found[history]))

    mark()
    (lease,) = desk.lease()
    mark()
    desk.good(desk.send(lease, desk.started(lease)))
    mark()
    desk.good(desk.send(lease, desk.ended(lease)))
    mark()
    ends, histories = zip(*marks, strict=True)
    assert ends == ("pending", "running", "running", "success")
    assert len(set(histories)) == 4
    other_process.close()


def test_nothing_waited_for_needs_no_marks(other_process: Database) -> None:
    assert marks_reader(other_process)([]) == {}
    other_process.close()
