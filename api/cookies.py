"""The cookies of a log-in: never readable by scripts, and on TLS bound to this very host."""

from datetime import timedelta

from flask import Response, request

SESSION = "trueline_session"
OVER_TLS = "__Host-"  # before the name
LOGIN = "trueline_login"  # what a log-in under way has to remember


def session_cookie() -> str:
    """Return what the request says of its session; empty: nothing."""
    return read_cookie(SESSION)


def read_cookie(name: str) -> str:
    """Return a cookie of the request; empty: there is none."""
    return request.cookies.get(_full(name), "")


def set_cookie(response: Response, name: str, value: str, lasts: timedelta) -> None:
    """Give the browser a cookie that it sends back to this host alone."""
    response.set_cookie(
        _full(name),
        value,
        max_age=lasts,
        path="/",
        secure=request.is_secure,
        httponly=True,
        samesite="Lax",
    )


def drop_cookie(response: Response, name: str) -> None:
    """Make the browser forget a cookie."""
    response.delete_cookie(
        _full(name), path="/", secure=request.is_secure, httponly=True, samesite="Lax"
    )


def _full(name: str) -> str:
    return OVER_TLS + name if request.is_secure else name
