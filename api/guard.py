"""Keeps other sites' pages and oversized bodies away from a server without tokens."""

from urllib.parse import urlsplit

from flask import Flask, request

from api.problems import BadRequest, Forbidden

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
OWN_PAGES = frozenset({"same-origin", "none"})  # what Sec-Fetch-Site says of them
SMALL_BODY_BYTES = 1024 * 1024
INLINE_BYTES = 16 * 1024 * 1024  # of a result without its large data
ENVELOPE_BYTES = 1024 * 1024
PUSH_BYTES = 8 * 1024 * 1024
PUSHES = "/webhooks/"  # of forges: they come from outside, and their signature is checked
WORKER_ROUTES = frozenset({"/api/v1/events", "/api/v1/catalogue"})


def guard(app: Flask, host: str, result_limit_bytes: int) -> None:
    """Check each request of `app` before its route sees it.

    `host` is the loopback address that the server listens on. A worker's report may hold a few
    results of `result_limit_bytes`; other bodies are small.
    """
    names = LOOPBACK_NAMES | {host}
    report_bytes = 2 * min(result_limit_bytes, INLINE_BYTES) + ENVELOPE_BYTES

    def check() -> None:
        if request.path.startswith(PUSHES):
            request.max_content_length = PUSH_BYTES
            return
        _check_host(names)
        if request.method not in SAFE_METHODS:
            _check_site()
        worker_route = request.path in WORKER_ROUTES
        request.max_content_length = report_bytes if worker_route else SMALL_BODY_BYTES

    app.before_request(check)


def _check_host(names: frozenset[str]) -> None:
    host = _split_host(f"//{request.host}")
    if host not in names:
        raise Forbidden(
            "the Host header is not a name of this machine's loopback",
            "use http://127.0.0.1 or http://localhost with the API's port",
        )


def _check_site() -> None:
    origin = request.headers.get("Origin")
    if origin is not None and origin not in {f"http://{request.host}", f"https://{request.host}"}:
        raise Forbidden(
            "the request was made by a page of another site", "send it from a command or our page"
        )
    if request.headers.get("Sec-Fetch-Site", "none") not in OWN_PAGES:
        raise Forbidden(
            "the request was made by a page of another site", "send it from a command or our page"
        )


def _split_host(address: str) -> str:
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError as error:
        raise BadRequest("the Host header is not a host", "send host:port") from error
    return parts.hostname or ""
