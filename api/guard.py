"""Keeps other sites' pages, foreign names and oversized bodies away."""

from urllib.parse import urlsplit

from flask import Flask, Response, request
from werkzeug.middleware.proxy_fix import ProxyFix

from api.problems import BadRequest, Forbidden
from utils.settings import Settings

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
OWN_PAGES = frozenset({"same-origin", "none"})  # what Sec-Fetch-Site says of them
SMALL_BODY_BYTES = 1024 * 1024
INLINE_BYTES = 16 * 1024 * 1024  # of a result without its large data
ENVELOPE_BYTES = 1024 * 1024
PUSH_BYTES = 8 * 1024 * 1024
PUSHES = "/webhooks/"  # of forges: they come from outside, and their signature is checked
REMEMBER_TLS = "max-age=31536000"
WORKER_ROUTES = frozenset({"/api/v1/events", "/api/v1/catalogue"})


def guard(app: Flask, settings: Settings) -> None:
    """Check each request of `app` before its route sees it.

    A worker's report may hold a few results of the largest size; other bodies are small.
    """
    names = LOOPBACK_NAMES | {settings.api_host} | settings.api_names
    report_bytes = 2 * min(settings.result_limit_bytes, INLINE_BYTES) + ENVELOPE_BYTES
    _trust_proxies(app, settings.trusted_proxies)

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
    app.after_request(_remember_tls)


def check_own_page() -> None:
    """Refuse what a cookie alone vouches for, unless the browser says that our page sent it."""
    _check_site()
    if "Origin" not in request.headers and "Sec-Fetch-Site" not in request.headers:
        raise Forbidden(
            "a session alone does not change anything: the request does not say whose page sent it",
            "send it from our page, or with a bearer token instead of the cookie",
        )


def _trust_proxies(app: Flask, proxies: int) -> None:
    # The Host is what the proxy passes on: X-Forwarded-Host would be one more way to forge it.
    if proxies:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]  # as Flask's documents say
            app.wsgi_app, x_for=proxies, x_proto=proxies, x_host=0
        )


def _remember_tls(response: Response) -> Response:
    if request.is_secure:
        response.headers["Strict-Transport-Security"] = REMEMBER_TLS
    return response


def _check_host(names: frozenset[str]) -> None:
    host = _split_host(f"//{request.host}")
    if host not in names:
        raise Forbidden(
            "the Host header is neither a name of this machine's loopback nor one of the API's",
            "use http://127.0.0.1 with the API's port, or add the name to TRUELINE_API_HOSTS",
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
