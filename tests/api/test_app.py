from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from flask_openapi.openapi import OpenAPI
from sqlalchemy import make_url

from api.app import create_app
from api.database import Database
from api.state import State, state_of
from tests.postgres import PostgreSQL
from utils.settings import Settings

if TYPE_CHECKING:
    from tests.api.desk import Desk
    from tests.conftest import Eventually


def test_two_apps_in_a_process_do_not_meet(settings: Settings, database: Database) -> None:
    first, second = create_app(settings, database), create_app(settings, database)
    assert state_of(first) is not state_of(second)
    assert state_of(first).wakeups is not state_of(second).wakeups
    assert second.test_client().get("/health/live").status_code == 200


def test_app_opens_the_database_of_its_settings(settings: Settings) -> None:
    app: OpenAPI = create_app(settings)
    database = state_of(app).database
    assert database.engine.url.database == make_url(settings.database).database
    database.close()


def test_nothing_is_served_from_elsewhere_or_for_debugging(app: OpenAPI) -> None:
    client = app.test_client()
    assert not app.debug
    for address in ("/console", "/openapi", "/openapi/", "/openapi/swagger"):
        assert client.get(address).status_code == 404


@pytest.mark.only_on("postgresql")
def test_an_app_that_ends_has_no_connection_left(
    desk: "Desk", state: State, postgresql: PostgreSQL, eventually: "Eventually"
) -> None:
    job_id = desk.start()
    waiting = desk.client.application.test_client()
    name = state.database.engine.url.database
    count = f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{name}'"
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(waiting.get, f"/api/v1/jobs/{job_id}?timeout=60")
        eventually(lambda: state.wakeups._listener is not None)
        state.wakeups.close()
        assert asked.result(20).status_code == 200
    assert postgresql.run(count) != [(0,)]
    state.stops.run()
    eventually(lambda: postgresql.run(count) == [(0,)])
