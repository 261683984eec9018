"""Turns whatever went wrong in a request into a problem answer."""

import re
import sqlite3
import uuid
from http import HTTPStatus

import structlog
from flask import Flask, Response, current_app, g, request
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from api.problems import (
    CONTENT_TYPE,
    BadRequest,
    Forbidden,
    InsufficientStorage,
    InternalError,
    MethodNotAllowed,
    NotFound,
    Problem,
    TooLarge,
    Unauthorized,
    Unavailable,
    UnsupportedMedia,
)
from utils.correlation import Correlation, read_traceparent

REQUEST_ID_HEADER = "X-Request-ID"
TRACE_HEADER = "traceparent"
_SANE_REQUEST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_PASSING = frozenset(
    {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN}
)
_POSTGRESQL_DISK_FULL = "53100"
BUSY = (
    "the API's database is busy or away",
    "send the request again in a moment; it was not carried out",
)
LOST_AT_THE_END = (
    "the API's database went away while the request was being recorded",
    (
        "look whether it was carried out before you send it again; with the same Idempotency-Key "
        "it can be sent as it is"
    ),
)
_HTTP_PROBLEMS: dict[int, tuple[type[Problem], str, str]] = {
    403: (Forbidden, "this request is not allowed", "see docs/operating.md"),
    404: (NotFound, "there is nothing at this address", "see /openapi.json for what there is"),
    405: (MethodNotAllowed, "this method is not possible here", "the Allow header says what is"),
    415: (UnsupportedMedia, "the body is not JSON", "send Content-Type: application/json"),
    503: (Unavailable, "the API cannot answer right now", "try again in a moment"),
}

log = structlog.get_logger()


def answer_with_problems(app: Flask) -> None:
    """Name every request and let every error of `app` become a problem."""
    app.before_request(_name_request)
    app.after_request(_add_headers)
    app.register_error_handler(Problem, _answer)
    app.register_error_handler(HTTPException, _answer_http)
    app.register_error_handler(DBAPIError, _answer_database)
    app.register_error_handler(PoolTimeout, _answer_busy)
    app.register_error_handler(Exception, _answer_unexpected)


def current_correlation() -> Correlation:
    """Return what connects the request under way with what happens because of it."""
    asked: Correlation = g.correlation
    return asked


def request_id() -> str:
    """Return the name of the request under way."""
    name: str = g.request_id
    return name


def _name_request() -> None:
    given = request.headers.get(REQUEST_ID_HEADER, "")
    g.request_id = given if _SANE_REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
    traceparent = read_traceparent(request.headers.get(TRACE_HEADER, ""))
    g.correlation = Correlation(g.request_id, traceparent)
    structlog.contextvars.clear_contextvars()  # of the request that this thread had before
    structlog.contextvars.bind_contextvars(**g.correlation.for_logs())


def _add_headers(response: Response) -> Response:
    response.headers[REQUEST_ID_HEADER] = request_id()
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _answer(problem: Problem) -> Response:
    response = current_app.response_class(
        current_app.json.dumps(problem.document(request_id())),
        status=problem.status,
        content_type=CONTENT_TYPE,
    )
    if problem.retry_after_seconds is not None:
        response.headers["Retry-After"] = str(problem.retry_after_seconds)
    if isinstance(problem, Unauthorized):
        response.headers["WWW-Authenticate"] = problem.challenge
    return response


def _answer_http(error: HTTPException) -> Response:
    response = _answer(_http_problem(error))
    for name, value in error.get_headers():
        if name in {"Allow", "Retry-After"}:
            response.headers[name] = value
    return response


def _http_problem(error: HTTPException) -> Problem:
    code = error.code or HTTPStatus.INTERNAL_SERVER_ERROR
    if code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        limit = request.max_content_length
        size = f"{request.content_length} bytes" if request.content_length else "too many bytes"
        return TooLarge(f"the body has {size}; this route takes {limit}", "send less at once")
    if code in _HTTP_PROBLEMS:
        kind, reason, advice = _HTTP_PROBLEMS[code]
        return kind(reason, advice)
    if code < HTTPStatus.INTERNAL_SERVER_ERROR:
        return BadRequest("the request cannot be read", "see /openapi.json for its form")
    return _internal_error()


def _answer_database(error: DBAPIError) -> Response:
    if _is_full(error):
        log.error("database full", request_id=request_id(), exc_info=error)
        return _answer(
            InsufficientStorage(
                "the disk under the API's database is full",
                "make room; the request was not carried out and can be sent again",
            )
        )
    return _answer_busy(error) if _passes(error) else _answer_unexpected(error)


def _is_full(error: DBAPIError) -> bool:
    is_sqlite_full = _sqlite_code(error) == sqlite3.SQLITE_FULL
    return is_sqlite_full or getattr(error.orig, "sqlstate", None) == _POSTGRESQL_DISK_FULL


def _passes(error: DBAPIError) -> bool:
    code = _sqlite_code(error)
    if code is not None:
        return code in _PASSING
    return isinstance(error, OperationalError) or error.connection_invalidated


def _sqlite_code(error: DBAPIError) -> int | None:
    code: int | None = getattr(error.orig, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF  # the rest tells details


def _answer_busy(error: Exception) -> Response:
    cause = getattr(error, "orig", None) or error
    log.warning("database busy", request_id=request_id(), error=type(cause).__name__)
    reason, advice = BUSY
    if isinstance(error, DBAPIError) and error.connection_invalidated and error.statement is None:
        reason, advice = LOST_AT_THE_END
    return _answer(Unavailable(reason, advice, retry_after_seconds=1))


def _answer_unexpected(error: Exception) -> Response:
    log.error("request failed", request_id=request_id(), path=request.path, exc_info=error)
    return _answer(_internal_error())


def _internal_error() -> Problem:
    return InternalError(
        "an error inside the API", "look for the request_id in the API's log, or try again"
    )
