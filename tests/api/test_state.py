from typing import Any

from flask_openapi.openapi import OpenAPI

from api.database import Database
from api.state import current_state, state_of
from utils.settings import Settings


def test_request_sees_the_state_of_its_app(
    app: OpenAPI, settings: Settings, database: Database, clock: Any
) -> None:
    with app.app_context():
        state = current_state()
    assert state is state_of(app)
    assert (state.settings, state.database, state.clock) == (settings, database, clock)
    assert state.started_at == clock.now
