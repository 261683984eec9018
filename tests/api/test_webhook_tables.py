from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from api.database import Database
from api.migrate import migrate
from api.migration_steps import config_of

OURS = {"webhooks", "deliveries", "pushes", "looks"}


@pytest.fixture
def migrated(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'new.db'}")
    migrate(database)
    yield database
    database.close()


def tables(connection: Connection) -> set[str]:
    return set(inspect(connection).get_table_names())


def test_tables_come_and_go_and_the_others_keep_their_rows(migrated: Database) -> None:
    now = datetime(2026, 3, 2, tzinfo=UTC).replace(tzinfo=None).isoformat(" ")
    with migrated.write() as connection:
        values = {"now": now}
        connection.execute(
            text("INSERT INTO sources VALUES ('u', 'r', 'c', 'ok', NULL, :now)"), values
        )
        config = config_of(connection)
        before = ScriptDirectory.from_config(config).get_revision("0006")
        assert before is not None
        command.downgrade(config, str(before.down_revision))
        assert not OURS & tables(connection)
        assert connection.execute(text("SELECT url FROM sources")).scalars().all() == ["u"]
    migrate(migrated)
    with migrated.read() as connection:
        assert tables(connection) >= OURS
        assert connection.execute(text("SELECT id, asked, done FROM looks")).all() == []
        assert connection.execute(text("SELECT url FROM sources")).scalars().all() == ["u"]
