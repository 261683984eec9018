from flask_openapi.openapi import OpenAPI
from sqlalchemy import make_url

from api.app import create_app
from api.database import Database
from api.state import state_of
from utils.settings import Settings


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
