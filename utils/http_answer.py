"""What came of sending a request, and what it means: JSON, bytes or an error of the tree."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, NamedTuple

from utils.concealed import concealed, one_line, shown_body
from utils.http_order import Order, origin_of
from utils.http_retry import is_limit_spent, retry_after
from utils.integration_errors import (
    BODY_LIMIT,
    IntegrationAuthError,
    IntegrationError,
    IntegrationPermanentError,
    IntegrationRateLimited,
    IntegrationTemporaryError,
)

_TEMPORARY = {408, 425}  # beside 5xx
_PROXY_REFUSED = "error=http_request_denied"  # RFC 9209


class Answer(NamedTuple):
    """An answer, read to its end; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Return its JSON, None where it has no body; raises IntegrationPermanentError."""
        if not self.body.strip():
            return None
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            told = type(error).__name__ if isinstance(error, RecursionError) else str(error)
        kind = self.headers.get("content-type", "no type").partition(";")[0]
        raise IntegrationPermanentError(
            f"{_named(self.status)} with {one_line(kind, 80)} that is not JSON ({told})",
            "see whether the base URL is that of an API; use request_bytes for what is not JSON",
            status=self.status,
        )

    @property
    def is_redirect(self) -> bool:
        """Tell whether it sends the caller elsewhere."""
        return self.status in {301, 302, 303, 307, 308} and "location" in self.headers


class Fault(NamedTuple):
    """Why there is no answer."""

    reason: str
    advice: str = ""
    untouched: bool = False  # the request never reached the other system
    permanent: bool = False


def error_of(
    order: Order, outcome: Answer | Fault, now: float, sent: Order | None = None
) -> IntegrationError | None:
    """Return the error that an outcome stands for; None for an answer that is fine.

    `sent` is what redirects have made of the order.
    """
    elsewhere = _elsewhere(order, sent or order)
    shown = f"{order.shown}, redirected to {elsewhere}," if elsewhere else order.shown
    if isinstance(outcome, Fault):
        kind = IntegrationPermanentError if outcome.permanent else IntegrationTemporaryError
        return kind(f"{shown.rstrip(',')}: {told(order, outcome)}", outcome.advice)
    if 200 <= outcome.status < 300 or (order.as_is and not _is_of_proxy(outcome)):
        return None
    secrets = order.secrets
    said = shown_body(outcome.body, BODY_LIMIT, secrets)
    reason = f"{shown} answered {_named(outcome.status)}{f': {said}' if said else ''}"
    if is_limit_spent(outcome.status, outcome.headers, outcome.body):
        wait = retry_after(outcome.headers, now)
        limited = IntegrationRateLimited(reason, status=outcome.status, retry_after=wait)
        return _with_body(limited, said)
    kind_of = _kind(outcome)
    advice = _advice(outcome)
    if elsewhere and kind_of is IntegrationAuthError:
        advice = f"give {elsewhere} as the base URL: no credentials follow a redirect there"
    return _with_body(kind_of(reason, advice, status=outcome.status), said)


def _elsewhere(order: Order, sent: Order) -> str:
    """Return the origin, another than that of the order, that redirects have led to."""
    origin = origin_of(sent.url)
    return "" if origin == origin_of(order.url) else origin


def told(order: Order, fault: Fault) -> str:
    """Return why there is no answer; what a server sent instead of one may hold what it got."""
    return concealed(fault.reason, order.secrets)


def json_of(order: Order, answer: Answer) -> Any:
    """Return the JSON of an answer, None where it has no body; raises an error of the tree."""
    try:
        return answer.json()
    except IntegrationPermanentError as error:
        unusable = error
    said = shown_body(answer.body, BODY_LIMIT, order.secrets)
    reason = f"{order.shown} answered {unusable.reason}: {said}"
    raise _with_body(IntegrationPermanentError(reason, unusable.advice, status=answer.status), said)


def _with_body(error: IntegrationError, said: str) -> IntegrationError:
    error.body = said
    return error


def _kind(answer: Answer) -> type[IntegrationError]:
    if _is_of_proxy(answer):
        return IntegrationPermanentError
    if answer.status in {401, 403}:
        return IntegrationAuthError
    if answer.status >= 500 or answer.status in _TEMPORARY:
        return IntegrationTemporaryError
    return IntegrationPermanentError


def _advice(answer: Answer) -> str:
    if _is_of_proxy(answer):
        return "name the host in `hosts` of the integration's entry in integrations.json"
    return ""


def _is_of_proxy(answer: Answer) -> bool:
    """Tell whether the job's own proxy answered in place of the other system."""
    return _PROXY_REFUSED in answer.headers.get("proxy-status", "")


def _named(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)
