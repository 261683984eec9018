from pathlib import Path

from alembic import command
from sqlalchemy import inspect, text

from api.database import Database
from api.migrate import migrate, newest_revision
from api.migration_steps import config_of
from api.schema import metadata

OF_ACCESS = {"audit", "sessions", "tokens"}


def test_every_table_is_known_here(database: Database) -> None:
    with database.read() as connection:
        there = set(inspect(connection).get_table_names()) - {"alembic_version"}
    assert there == set(metadata.tables) >= OF_ACCESS


def test_tables_of_access_come_and_go_and_jobs_stay(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'new.db'}")
    migrate(database)
    job = "'j','scan','d','d','i','running',0,0,'manual',0,'2026-01-01 00:00:00'"
    names = "id,kind,deployment_id,deployment_name,integration,status,attempt,losses,trigger"
    with database.write() as connection:
        columns = f"{names},cancel_requested,created_at"
        connection.execute(text(f"INSERT INTO jobs ({columns}) VALUES ({job})"))
        event = "'j',1,1,'started','2026-01-01 00:00:00','{}'"
        connection.execute(text(f"INSERT INTO events VALUES ({event})"))
    with database.write() as connection:
        command.downgrade(config_of(connection), "0001")
    with database.read() as connection:
        assert not OF_ACCESS & set(inspect(connection).get_table_names())
        assert connection.execute(text("SELECT count(*) FROM events")).scalar() == 1
    assert migrate(database) == newest_revision()
    with database.read() as connection:
        row = connection.execute(text("SELECT status, lease_owner FROM jobs")).one()
    assert tuple(row) == ("running", None)
    database.close()
