"""Migration 0005, forward and back, with data."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, select

from api.database import Database
from api.migrate import migrate
from api.migration_steps import SCRIPTS, config_of
from api.tables import integrations

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
BEFORE = str(ScriptDirectory(str(SCRIPTS)).get_revision("0005").down_revision)
ROW = {"name": "tool", "title": "", "description": "", "schema": {}, "enabled": True}
ROW |= {"state": "ready", "created_at": NOON, "updated_at": NOON}


@pytest.fixture
def new(empty_database_url: str) -> Iterator[Database]:
    database = Database(empty_database_url)
    yield database
    database.close()


def indexes(database: Database, table: str) -> dict[str | None, list[str | None]]:
    with database.read() as connection:
        return {it["name"]: it["column_names"] for it in inspect(connection).get_indexes(table)}


def test_it_goes_forward_and_back_and_keeps_what_is_there(new: Database) -> None:
    with new.write() as connection:
        command.upgrade(config_of(connection), BEFORE)
        connection.execute(integrations.insert().values(ROW))
    before = {table: indexes(new, table) for table in ("violations", "deployments", "jobs")}
    migrate(new)
    assert "ix_violations_new" in indexes(new, "violations")
    assert len(indexes(new, "violations")["ix_violations_insight"]) == 6
    with new.write() as connection:
        command.downgrade(config_of(connection), BEFORE)
    assert before == {table: indexes(new, table) for table in before}
    migrate(new)
    with new.read() as connection:
        assert connection.execute(select(integrations.c.name)).scalars().all() == ["tool"]
