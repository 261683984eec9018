import threading
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, update

from api.database import Database
from api.retention import HOLD, INTERVAL, Retention
from api.retention_table import retention
from api.tables import jobs
from utils.settings import Settings

if TYPE_CHECKING:
    from tests.api.desk import Desk
    from tests.api.hand_clock import HandClock
    from tests.conftest import Eventually

GO_ON = threading.Event()


@pytest.fixture
def keeper(database: Database, settings: Settings, clock: "HandClock") -> Retention:
    return Retention(database, settings, clock)


def test_what_is_too_old_is_removed_and_noted(
    desk: "Desk", keeper: Retention, database: Database, settings: Settings
) -> None:
    desk.run({"name": "look"})
    desk.run({"name": "look"})
    desk.clock.move(days=settings.keep_events_days + 1)
    assert keeper.run(GO_ON) == {"events": 2, "data": 0, "jobs": 0, "violations": 0, "audit": 0}
    with database.read() as connection:
        state = {row.kind: row for row in connection.execute(select(retention))}
    assert (state["events"].removed, state["events"].ran_at) == (2, desk.clock.now)


def test_nothing_is_removed_where_it_is_kept_forever(
    desk: "Desk", database: Database, settings: Settings
) -> None:
    desk.run({"name": "look"})
    names = ("events", "data", "jobs", "violations", "audit")
    forever = settings.model_copy(update={f"keep_{name}_days": 0 for name in names})
    desk.clock.move(days=10_000)
    assert Retention(database, forever, desk.clock).run(GO_ON) == {}


def test_it_is_done_once_in_a_while_however_many_apis_there_are(
    database: Database, settings: Settings, keeper: Retention, clock: "HandClock"
) -> None:
    other = Retention(database, settings, clock)
    assert keeper.run(GO_ON)
    assert [other.run(GO_ON), keeper.run(GO_ON)] == [{}, {}]
    clock.move(seconds=INTERVAL.total_seconds())
    assert other.run(GO_ON)


def test_what_another_process_is_at_is_left_to_it_until_it_is_silent_for_long(
    database: Database, keeper: Retention, clock: "HandClock"
) -> None:
    keeper.run(GO_ON)
    clock.move(seconds=INTERVAL.total_seconds())
    with database.write() as connection:
        held = {"holder": "somebody", "held_until": clock.now + HOLD}
        connection.execute(update(retention).values(held))
    assert keeper.run(GO_ON) == {}
    clock.move(seconds=HOLD.total_seconds() + 1)
    assert keeper.run(GO_ON)


@pytest.mark.parametrize("column", ["ran_at", "held_until"])
def test_a_clock_that_was_wrong_for_a_while_does_not_stop_it(
    database: Database, keeper: Retention, clock: "HandClock", column: str
) -> None:
    keeper.run(GO_ON)
    clock.move(seconds=INTERVAL.total_seconds())
    with database.write() as connection:
        wrong = {column: clock.now + timedelta(days=4000), "holder": "somebody"}
        connection.execute(update(retention).values(wrong))
    assert keeper.run(GO_ON)


def test_events_of_jobs_that_were_looked_at_are_not_looked_at_again(
    desk: "Desk", database: Database, keeper: Retention, settings: Settings
) -> None:
    desk.run({"name": "look"})
    desk.clock.move(days=settings.keep_events_days + 1)
    keeper.run(GO_ON)
    with database.read() as connection:
        mark = connection.execute(
            select(retention.c.mark).where(retention.c.kind == "events")
        ).scalar_one()
        last = connection.execute(select(jobs.c.id)).scalar_one()
    assert mark.endswith(last)


def test_it_stops_when_it_is_told_to(desk: "Desk", keeper: Retention) -> None:
    stop = threading.Event()
    stop.set()
    desk.clock.move(days=1000)
    assert keeper.run(stop) == {}
    keeper.run_until(stop)


def test_a_database_that_is_away_is_asked_again_later(
    desk: "Desk", keeper: Retention, lose_database: "object", eventually: "Eventually"
) -> None:
    assert callable(lose_database)
    lose_database()
    stop = threading.Event()
    thread = threading.Thread(target=keeper.run_until, args=(stop, 0.01))
    thread.start()
    assert desk
    eventually(thread.is_alive)
    stop.set()
    thread.join(20)
    assert not thread.is_alive()
