import sys
from datetime import UTC, datetime

import pytest
from structlog.testing import capture_logs

from tests.otlp import receiving_spans
from utils.correlation import read_traceparent
from utils.tracing import NoTracing, start_tracing

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
CALLER = f"00-{TRACE}-{SPAN}-01"


def test_spans_reach_a_receiver_with_their_parents(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving_spans() as receiver:
        environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url}
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
        monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test")
        tracing = start_tracing("trueline-api", environ)
        outer = tracing.start("outer", CALLER, kind="server")
        inner = tracing.start("inner", outer.traceparent, at=datetime.now(UTC))
        assert read_traceparent(str(inner.traceparent)) == inner.traceparent
        inner.end({"n": 1}, at=datetime.now(UTC), error="it broke")
        outer.end()
        tracing.stop()
        spans = {span.name: span for span in receiver.spans}
    assert {span.trace_id for span in spans.values()} == {TRACE}
    assert spans["outer"].parent_id == SPAN
    assert spans["inner"].parent_id == spans["outer"].span_id
    assert (spans["inner"].failed, spans["inner"].attributes) == (True, {"n": 1})
    assert spans["outer"].service == "trueline-api"


def test_what_the_caller_does_not_sample_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving_spans() as receiver:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", f"{receiver.url}/v1/traces")
        environ = {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{receiver.url}/v1/traces"}
        tracing = start_tracing("trueline-api", environ)
        span = tracing.start("unsampled", CALLER.removesuffix("01") + "00")
        assert TRACE in str(span.traceparent)
        span.end()
        tracing.stop()
        assert receiver.spans == []


def test_without_an_endpoint_it_is_off_and_says_so_once() -> None:
    with capture_logs() as logs:
        tracing = start_tracing("trueline-api", {})
    assert [(it["event"], it["log_level"]) for it in logs] == [("traces off", "info")]
    span = tracing.start("x", CALLER)
    span.end({"n": 1}, error="it broke")
    assert span.traceparent == CALLER
    tracing.stop()


def test_without_the_extra_it_is_off_and_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)  # as if it were not there
    with capture_logs() as logs:
        tracing = start_tracing("w", {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"})
    assert isinstance(tracing, NoTracing)
    assert "trueline[tracing]" in logs[0]["advice"]
