from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import select

from api.database import Database
from api.tables import deployments
from bench.bare_api import make_app
from bench.lone_api import prepare

BODY = {"name": "n", "integration": "bench", "config": {"a": [1]}}


def test_the_bare_route_stores_what_it_gets(tmp_path: Path) -> None:
    prepare(tmp_path)
    database = Database(f"sqlite:///{tmp_path / 'trueline.db'}")
    answer = make_app(database).test_client().post("/api/v1/deployments", json=BODY)
    assert answer.status_code == 201
    with database.read() as connection:
        row = connection.execute(select(deployments)).one()
    assert (row.name, row.config) == ("n", {"a": [1]})
    assert row.created_at <= datetime.now(UTC)
    database.close()
