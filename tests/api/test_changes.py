from __future__ import annotations

import time
from collections.abc import Collection, Hashable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Semaphore
from typing import Any

import pytest
from alembic import command
from sqlalchemy import insert, text, update
from sqlalchemy.exc import IntegrityError

from api.changes import (
    LONE_REST_SECONDS,
    LOOK_SECONDS,
    REST_SECONDS,
    PostgresChanges,
    SqliteChanges,
    changes_of,
)
from api.database import Database
from api.migrate import migrate
from api.migration_steps import config_of
from api.tables import events, jobs
from api.wakeups import WORK, Changes, Kind, Topic, Wakeups
from tests.api.hand_clock import NOON
from tests.postgres import PostgreSQL

LONG = 60.0
JOB: Mapping[str, Any] = {
    "id": "j1",
    "kind": "scan",
    "deployment_id": "d",
    "deployment_name": "d",
    "integration": "i",
    "status": "pending",
    "attempt": 0,
    "losses": 0,
    "trigger": "manual",
    "cancel_requested": False,
    "created_at": NOON,
}


@pytest.fixture(scope="module")
def postgres_url(postgresql: PostgreSQL, migrated_postgresql: str) -> Iterator[str]:
    name = postgresql.create(migrated_postgresql)
    yield postgresql.url(name)
    postgresql.drop(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgres_url"))
    return f"sqlite:///{tmp_path / 'here.db'}"


@pytest.fixture
def here(url: str) -> Iterator[Database]:
    database = Database(url)
    migrate(database)
    with database.write() as connection:
        connection.execute(text("DELETE FROM jobs"))
    yield database
    database.close()


@pytest.fixture
def there(url: str, here: Database) -> Iterator[Database]:
    """Open the same database as another process would."""
    del here
    database = Database(url)
    yield database
    database.close()


@pytest.fixture
def changes(here: Database) -> Iterator[Changes]:
    changes = changes_of(here, processes=1)
    yield changes
    changes.close()


def add(database: Database, **values: Any) -> None:
    with database.write() as connection:
        connection.execute(insert(jobs).values({**JOB, **values}))


def move(database: Database, status: str) -> None:
    with database.write() as connection:
        connection.execute(update(jobs).values(status=status))


def heard(changes: Changes) -> Collection[Topic] | None:
    """Return the first news; on PostgreSQL a wait that ends by its time is none."""
    for _ in range(200):
        if said := changes.wait():
            return said
        if said is None and isinstance(changes, SqliteChanges):
            return None
    raise AssertionError("nothing was heard")


def test_an_api_that_is_not_alone_looks_again_sooner(tmp_path: Path) -> None:
    """What another API commits must be seen soon also right after this one's own commits."""
    databases = [Database(f"sqlite:///{tmp_path / 'here.db'}") for _ in range(2)]
    migrate(databases[0])
    changes = changes_of(databases[0], processes=1)
    assert isinstance(changes, SqliteChanges)
    before = time.monotonic()
    assert changes.wait() is None
    assert changes._rests_until >= before + LONE_REST_SECONDS
    beside = changes_of(databases[1], processes=1)
    changes._version = None  # as if something had changed
    assert changes.wait() is None
    assert changes._rests_until <= time.monotonic() + REST_SECONDS
    for one in (changes, beside):
        one.close()
    for database in databases:
        database.close()


def test_a_waiting_request_is_woken_by_the_end_in_another_process_without_polling(
    here: Database, there: Database
) -> None:
    """The marks never differ, so that only what is noticed of the commit itself can wake."""
    add(there, status="running")
    changes = (
        SqliteChanges(here)
        if here.engine.dialect.name == "sqlite"
        else PostgresChanges(here, poll_seconds=LONG)
    )
    reads = 0

    def read_marks(topics: Collection[Topic]) -> Mapping[Topic, Hashable]:
        nonlocal reads
        reads += 1
        return dict.fromkeys(topics, reads if here.engine.dialect.name == "sqlite" else 0)

    wakeups = Wakeups(read_marks, changes)
    looks = Semaphore(0)

    def look() -> str | None:
        looks.release()
        with here.read() as connection:
            status = connection.execute(text("SELECT status FROM jobs")).scalar_one()
        return status if status == "success" else None

    with ThreadPoolExecutor(1) as pool:
        wait = pool.submit(wakeups.wait_for, Topic(Kind.END, "j1"), look, LONG)
        for _ in range(2):  # its own, and the one after the listener has begun
            assert looks.acquire(timeout=20)
        move(there, "success")
        assert wait.result(20) == "success"
    wakeups.close()
    add(there, id="j2")  # what listens without polling hears of its end with the next news
    wakeups.end()


def test_the_first_wait_asks_for_marks(changes: Changes) -> None:
    assert changes.wait() is None


def test_a_new_job_is_news_for_those_who_wait_for_work(changes: Changes, there: Database) -> None:
    changes.wait()
    add(there)
    said = heard(changes)
    assert said is None or WORK in said


def test_an_end_is_news_for_those_who_wait_for_that_job(changes: Changes, there: Database) -> None:
    add(there, status="running")
    changes.wait()
    move(there, "failed")
    said = heard(changes)
    assert said is None or said == {Topic(Kind.END, "j1"), Topic(Kind.HISTORY, "j1")}


def test_what_was_rolled_back_is_no_news(changes: Changes, there: Database) -> None:
    changes.wait()
    add(there)
    changes.wait()
    with pytest.raises(IntegrityError):
        add(there)
    add(there, id="kept")
    said = heard(changes)
    assert said is None or said == {WORK, Topic(Kind.HISTORY, "kept")}


def test_nothing_committed_is_no_reason_to_read_marks(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'here.db'}")
    migrate(database)
    changes = SqliteChanges(database)
    assert changes.wait(LOOK_SECONDS) is None
    assert changes.wait(2 * LOOK_SECONDS) == ()
    changes.close()
    database.close()


def test_what_this_process_did_itself_is_left_out(postgres_url: str) -> None:
    database = Database(postgres_url)
    changes = PostgresChanges(database)
    changes.wait()
    with database.write() as connection:
        connection.execute(text("DELETE FROM jobs"))
    add(database)
    assert changes.wait() == set()
    changes.close()
    database.close()


def test_connections_that_were_closed_are_no_longer_its_own(postgres_url: str) -> None:
    """The server may give the number of an ended process to the next one."""
    database = Database(postgres_url)
    changes = PostgresChanges(database)
    for _ in range(3):
        changes.wait()
        with database.read() as connection:
            own = connection.connection.dbapi_connection.info.backend_pid  # type: ignore[union-attr]  # psycopg's
        assert list(changes._own_pids.values()) == [own]
        changes.close()
        database.close()
        assert not changes._own_pids


def test_a_connection_that_was_cut_is_made_again(postgres_url: str) -> None:
    here, there = Database(postgres_url), Database(postgres_url)
    changes = PostgresChanges(here)
    changes.wait()
    with there.write() as connection:
        connection.execute(text("DELETE FROM jobs"))
        kill = (
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE query LIKE 'LISTEN%' AND datname = current_database()"
        )
        connection.execute(text(kill))
    assert changes.wait() is None  # anything may have been missed
    assert changes.wait() is None  # listens again
    add(there)
    assert WORK in (heard(changes) or ())
    changes.close()
    for database in (here, there):
        database.close()


def test_the_migration_goes_back_and_forth_and_keeps_what_is_there(here: Database) -> None:
    add(here)
    columns = {"job_id": "j1", "attempt": 1, "seq": 1, "type": "x", "at": NOON, "payload": {}}
    with here.write() as connection:
        connection.execute(insert(events).values(columns))
        command.downgrade(config_of(connection), "0001")
    with here.write() as connection:
        command.upgrade(config_of(connection), "head")
    with here.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM events")).scalar() == 1
        assert connection.execute(text("SELECT id FROM jobs")).scalar() == "j1"
