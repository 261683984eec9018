"""Each request with its answer, told once the answer has gone out."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from flask import Flask, Response, g, request

from api.principal import current_principal

log = structlog.get_logger()


@dataclass(frozen=True)
class Exchange:
    """A request and what became of it; `route` is the template, never the address itself."""

    method: str
    route: str | None  # None: there is none at that address
    status: int
    seconds: float
    principal: str
    request_id: str


Listener = Callable[[Exchange], None]


def watch_exchanges(app: Flask, *listeners: Listener) -> None:
    """Tell each of `listeners` of every request to `app`, in the thread that answered it."""

    def begin() -> None:
        g.began_at = time.perf_counter()

    def add(response: Response) -> Response:
        began_at = g.get("began_at", time.perf_counter())
        method, route = request.method, request.url_rule.rule if request.url_rule else None
        principal, name = current_principal().name, g.get("request_id", "")

        def tell() -> None:
            seconds = time.perf_counter() - began_at
            exchange = Exchange(method, route, response.status_code, seconds, principal, name)
            for listener in listeners:
                listener(exchange)

        response.call_on_close(tell)
        return response

    app.before_request(begin)
    app.after_request(add)


def log_exchange(exchange: Exchange) -> None:
    """Write a line of the access log: no address, no query, no body."""
    log.info(
        "request",
        method=exchange.method,
        route=exchange.route,
        status=exchange.status,
        milliseconds=round(exchange.seconds * 1000, 2),
        principal=exchange.principal,
        request_id=exchange.request_id,
    )
