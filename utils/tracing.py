"""Spans of requests, jobs and tasks, sent by OpenTelemetry where it is installed and asked for."""

import importlib
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Literal, Protocol

import structlog

from utils import __version__

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
FLUSH_SECONDS = 5.0
_NANOSECONDS = 1_000_000_000

log = structlog.get_logger()
Attributes = Mapping[str, str | int | float]


class Span(Protocol):
    """Something that takes time; `traceparent` is what to hand on to what happens because of it."""

    @property
    def traceparent(self) -> str | None:
        """Its place in the trace."""

    def end(
        self,
        attributes: Attributes | None = None,
        *,
        at: datetime | None = None,
        error: str | None = None,
    ) -> None:
        """End it, now or at a time that has passed; with an `error` it went wrong."""


class Tracing(Protocol):
    """Makes spans; any thread may."""

    def start(
        self,
        name: str,
        parent: str | None,
        *,
        kind: Literal["server", "consumer", "internal"] = "internal",
        at: datetime | None = None,
    ) -> Span:
        """Begin a span below `parent`, a traceparent."""

    def stop(self) -> None:
        """Send what waits, for a few seconds at most."""


class Untraced:
    """No span: what it was begun below is handed on."""

    def __init__(self, parent: str | None) -> None:
        self.traceparent = parent

    def end(
        self,
        attributes: Attributes | None = None,
        *,
        at: datetime | None = None,
        error: str | None = None,
    ) -> None:
        """Do nothing."""


class NoTracing:
    """Traces that are off."""

    def start(
        self,
        name: str,
        parent: str | None,
        *,
        kind: Literal["server", "consumer", "internal"] = "internal",
        at: datetime | None = None,
    ) -> Span:
        """Hand on what was given."""
        del name, kind, at
        return Untraced(parent)

    def stop(self) -> None:
        """Do nothing."""


def start_tracing(service: str, environ: Mapping[str, str]) -> Tracing:
    """Begin to send spans where an endpoint is set and the extra is there; else say why not."""
    endpoint = next((environ[name] for name in ENDPOINTS if environ.get(name)), None)
    if endpoint is None or environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        log.info("traces off", reason="no OTEL_EXPORTER_OTLP_ENDPOINT is set")
        return NoTracing()
    try:
        return _Sending(service)
    except ImportError:
        log.warning(
            "traces off",
            reason="OTEL_EXPORTER_OTLP_ENDPOINT is set, and OpenTelemetry is not installed",
            advice="install the extra `tracing`: uv pip install 'trueline[tracing]'",
        )
        return NoTracing()


class _Sending:
    """OpenTelemetry, which reads its own OTEL_* variables; an extra, so it is imported here."""

    def __init__(self, service: str) -> None:
        sdk = importlib.import_module("opentelemetry.sdk.trace")
        export = importlib.import_module("opentelemetry.sdk.trace.export")
        resources = importlib.import_module("opentelemetry.sdk.resources")
        otlp = importlib.import_module("opentelemetry.exporter.otlp.proto.http.trace_exporter")
        self._api = importlib.import_module("opentelemetry.trace")
        found = resources.OTELResourceDetector().detect()  # OTEL_SERVICE_NAME goes before ours
        named = resources.Resource.create(
            {"service.name": service, "service.version": __version__}
        ).merge(found)
        self._provider = sdk.TracerProvider(resource=named, shutdown_on_exit=False)
        self._provider.add_span_processor(export.BatchSpanProcessor(otlp.OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("trueline", __version__)
        log.info("traces on", service=named.attributes["service.name"])

    def start(
        self,
        name: str,
        parent: str | None,
        *,
        kind: Literal["server", "consumer", "internal"] = "internal",
        at: datetime | None = None,
    ) -> Span:
        """Begin a span."""
        span = self._tracer.start_span(
            name,
            context=self._context(parent),
            kind=self._api.SpanKind[kind.upper()],
            start_time=_nanoseconds(at),
        )
        return _SentSpan(span, self._api.Status, self._api.StatusCode.ERROR)

    def stop(self) -> None:
        """Send what waits; a receiver that does not answer is not waited for."""
        thread = threading.Thread(target=self._provider.shutdown, daemon=True)
        thread.start()
        thread.join(FLUSH_SECONDS)

    def _context(self, parent: str | None) -> Any:
        if parent is None:
            return None
        _, trace_id, span_id, flags = parent.split("-")
        found = self._api.SpanContext(
            int(trace_id, 16),
            int(span_id, 16),
            is_remote=True,
            trace_flags=self._api.TraceFlags(int(flags, 16)),
        )
        return self._api.set_span_in_context(self._api.NonRecordingSpan(found))


class _SentSpan:
    def __init__(self, span: Any, status: Callable[..., Any], error: Any) -> None:
        self._span = span
        self._status = status
        self._error = error

    @property
    def traceparent(self) -> str | None:
        found = self._span.get_span_context()
        return f"00-{found.trace_id:032x}-{found.span_id:016x}-{int(found.trace_flags):02x}"

    def end(
        self,
        attributes: Attributes | None = None,
        *,
        at: datetime | None = None,
        error: str | None = None,
    ) -> None:
        self._span.set_attributes(dict(attributes or {}))
        if error is not None:
            self._span.set_status(self._status(self._error, error))
        self._span.end(_nanoseconds(at))


def _nanoseconds(at: datetime | None) -> int | None:
    return None if at is None else int(at.timestamp() * _NANOSECONDS)
