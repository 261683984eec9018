from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from api.app import create_app
from tests.otlp import Receiver, receiving_spans
from utils import __version__
from utils.tracing import start_tracing

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask.testing import FlaskClient

    from api.database import Database
    from utils.settings import Settings

pytestmark = pytest.mark.one_database

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
CALLER = {"traceparent": f"00-{TRACE}-{SPAN}-01"}


@pytest.fixture
def traced(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[FlaskClient, Callable[[], Receiver]]]:
    """A client of an API that sends its spans, and how to have them all."""
    with receiving_spans() as receiver:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
        tracing = start_tracing("trueline-api", {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url})
        app = create_app(settings, database, tracing=tracing)

        def received() -> Receiver:
            tracing.stop()
            return receiver

        yield app.test_client(), received


def test_the_job_of_a_request_is_below_its_span_and_that_below_the_caller(
    traced: tuple[FlaskClient, Callable[[], Receiver]], add_integration: Callable[[str], None]
) -> None:
    client, received = traced
    add_integration("tool")
    body = {"name": "nightly", "integration": "tool", "config": {}}
    client.post("/api/v1/deployments", json=body).close()
    client.post("/api/v1/deployments/nightly/jobs", headers=CALLER).close()
    wanted: Any = {"worker": "w", "slots": 1, "wait_seconds": 0, "version": __version__}
    (lease,) = client.post("/api/v1/leases", json=wanted).get_json()["leases"]
    receiver = received()
    (span,) = receiver.named("POST /api/v1/deployments/<deployment>/jobs")
    assert (span.trace_id, span.parent_id) == (TRACE, SPAN)
    assert lease["traceparent"] == f"00-{TRACE}-{span.span_id}-01"
    assert span.attributes["http.response.status_code"] == 202
    assert {one.name for one in receiver.spans} == {
        "POST /api/v1/deployments",
        "POST /api/v1/deployments/<deployment>/jobs",
    }


def test_what_is_refused_is_told_and_what_has_no_route_is_not(
    traced: tuple[FlaskClient, Callable[[], Receiver]],
) -> None:
    client, received = traced
    client.get("/api/v1/jobs/s3cret").close()
    client.get("/nowhere/s3cret").close()
    (span,) = received().spans
    assert span.attributes["http.response.status_code"] == 404
    assert not span.failed
    assert "s3cret" not in str(span)
