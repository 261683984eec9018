"""A span for each request that somebody makes, between the caller's span and those of its job."""

from dataclasses import replace

import structlog
from flask import Flask, Response, g, request

from utils.tracing import NoTracing, Tracing

# What workers and monitors ask for every few seconds would bury the rest.
UNTRACED = (
    *("/health/", "/metrics", "/api/v1/leases", "/api/v1/ticks", "/api/v1/workers"),
    *("/api/v1/events", "/api/v1/catalogue"),
)


def trace_requests(app: Flask, tracing: Tracing) -> None:
    """Begin a span with each request to `app`, and end it once the answer has gone out."""
    if isinstance(tracing, NoTracing):
        return  # not even a hook: each costs every request

    def begin() -> None:
        route = request.url_rule.rule if request.url_rule else None
        if route is None or route.startswith(UNTRACED):
            return
        parent = g.correlation.traceparent
        g.span = tracing.start(f"{request.method} {route}", parent, kind="server")
        g.correlation = replace(g.correlation, traceparent=g.span.traceparent)
        structlog.contextvars.bind_contextvars(**g.correlation.for_logs())

    def add(response: Response) -> Response:
        span = g.get("span")
        if span is not None:
            said = {
                "http.request.method": request.method,
                "http.route": request.url_rule.rule if request.url_rule else "",
                "http.response.status_code": response.status_code,
                "trueline.request_id": g.correlation.request_id,
            }
            failed = f"answered {response.status_code}" if response.status_code >= 500 else None
            response.call_on_close(lambda: span.end(said, error=failed))
        return response

    app.before_request(begin)
    app.after_request(add)
