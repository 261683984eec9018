from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from flask import Flask, abort
from structlog.testing import capture_logs

from api.exchanges import Exchange, log_exchange, watch_exchanges

if TYPE_CHECKING:
    from flask_openapi.openapi import OpenAPI

pytestmark = pytest.mark.one_database


@pytest.fixture
def heard() -> list[Exchange]:
    return []


@pytest.fixture
def small(heard: list[Exchange]) -> Flask:
    app = Flask("small")
    watch_exchanges(app, heard.append, log_exchange)

    @app.get("/things/<thing>")
    def read(thing: str) -> str:
        return thing

    @app.get("/refused")
    def refuse() -> str:
        abort(418)

    return app


def test_each_request_is_told_by_its_route_without_what_the_address_says(
    small: Flask, heard: list[Exchange]
) -> None:
    with capture_logs() as logs:
        small.test_client().get("/things/s3cret?token=s3cret").close()
        small.test_client().get("/refused").close()
        small.test_client().get("/no/s3cret").close()
    told = [(one.method, one.route, one.status) for one in heard]
    assert told == [("GET", "/things/<thing>", 200), ("GET", "/refused", 418), ("GET", None, 404)]
    assert all(one.seconds >= 0 and one.principal == "loopback" for one in heard)
    assert [entry["event"] for entry in logs] == ["request"] * 3
    assert "s3cret" not in str(logs)


def test_a_request_that_is_refused_before_its_route_is_told_too(app: OpenAPI) -> None:
    heard: list[Exchange] = []
    watch_exchanges(app, heard.append)
    app.test_client().get("/health/live", headers={"Host": "evil.example"}).close()
    assert [(one.route, one.status) for one in heard] == [("/health/live", 403)]
