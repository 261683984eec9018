from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import StatementError

from api.database import Database
from api.tables import metadata, sources

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def store(database: Database, checked_at: datetime) -> datetime:
    row = {"url": "u", "ref": "r", "state": "ok", "checked_at": checked_at}
    with database.write() as connection:
        connection.execute(insert(sources).values(row))
        found: datetime = connection.execute(select(sources.c.checked_at)).scalar_one()
    return found


def test_times_come_back_aware_and_in_utc(database: Database) -> None:
    berlin = NOON.astimezone(timezone(timedelta(hours=1)))
    found = store(database, berlin)
    assert (found, found.tzinfo) == (NOON, UTC)


def test_naive_time_is_refused(database: Database) -> None:
    with pytest.raises(StatementError, match="naive"):
        store(database, NOON.replace(tzinfo=None))


def test_missing_json_is_null_in_the_database(database: Database) -> None:
    store(database, NOON)
    with database.read() as connection:
        assert connection.execute(select(sources.c.url).where(sources.c.problem.is_(None))).all()


def test_every_constraint_and_index_has_a_name() -> None:
    for table in metadata.sorted_tables:
        assert all(constraint.name for constraint in table.constraints), table.name
        assert all(index.name for index in table.indexes), table.name
