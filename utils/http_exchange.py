"""The course of one request: attempts, redirects, waits and errors, without any input or output.

It is a generator that asks its driver to send something or to wait, so that the client with threads
and the one with an event loop behave alike.
"""

from collections.abc import Callable, Generator
from typing import NamedTuple, Protocol, TypeAlias
from urllib.parse import urljoin

from utils.concealed import shown_url
from utils.http_answer import Answer, Fault, error_of
from utils.http_log import CallLog
from utils.http_order import Order, origin_of
from utils.http_retry import backoff_seconds, may_repeat, retry_after
from utils.integration_errors import Cause, IntegrationError, IntegrationRateLimited

MOST_REDIRECTS = 10
LIMIT_WAIT_SECONDS = 30.0  # for a token of a rate limit


class Send(NamedTuple):
    """Asks the driver to send this; the outcome is sent back."""

    order: Order


class Pause(NamedTuple):
    """Asks the driver to wait; nothing is sent back."""

    seconds: float


class Limit(Protocol):
    """Gives out permission for one request at a time; see `utils.token_bucket`."""

    def reserve(self, longest_seconds: float) -> float | None:
        """Return the seconds until the request may be sent; None when that is too long."""


class Breaker(Protocol):
    """Stops requests to a system that is down; see `utils.circuit_breaker`."""

    def check(self) -> None:
        """Raise an error of the tree when nothing may be sent now."""

    def note(self, *, worked: bool) -> None:
        """Take in how an attempt ended."""


class Rules(NamedTuple):
    """How requests of a client are sent."""

    max_attempts: int
    longest_wait_seconds: float
    seconds_left: Callable[[], float | None]  # until the task's deadline; None: there is none
    now: Callable[[], float]  # seconds since 1970
    luck: Callable[[], float]  # from 0 to 1
    limit: Limit | None = None
    breaker: Breaker | None = None


Exchange: TypeAlias = Generator[Send | Pause, "Answer | Fault | None", Answer]


def exchange(order: Order, rules: Rules, log: CallLog) -> Exchange:
    """Return the answer to a request, with status 2xx; raises an error of the tree."""
    attempt = 1
    while True:
        yield from _admitted(order, rules, log)
        sent, outcome = yield from _followed(order, rules, log)
        error = error_of(order, outcome, rules.now(), sent)
        if rules.breaker:
            rules.breaker.note(worked=error is None or error.cause is not Cause.TEMPORARY)
        if error is None and isinstance(outcome, Answer):
            return outcome
        if error is None:
            raise RuntimeError("an outcome is an answer or an error")
        wait = _wait_seconds(order, outcome, error, attempt, rules)
        if wait is None:
            log.gave_up(error, attempt)
            raise error
        log.retries(error, attempt, wait)
        yield Pause(wait)
        attempt += 1


def _admitted(order: Order, rules: Rules, log: CallLog) -> Generator[Pause, None, None]:
    try:
        if rules.breaker:
            rules.breaker.check()
        wait = _limited(order, rules)
    except IntegrationError as error:
        log.refused(error)
        raise
    if wait > 0:
        yield Pause(wait)


def _limited(order: Order, rules: Rules) -> float:
    """Return how long to wait for a token."""
    if not rules.limit:
        return 0.0
    left = rules.seconds_left()
    longest = LIMIT_WAIT_SECONDS if left is None else min(LIMIT_WAIT_SECONDS, left)
    wait = rules.limit.reserve(longest)
    if wait is None:
        raise IntegrationRateLimited(
            f"{order.shown}: our own rate limit lets no request through within {longest:g} s",
            "run fewer jobs with these credentials at once, or raise the limit",
            retry_after=LIMIT_WAIT_SECONDS,
        )
    return wait


def _followed(
    order: Order, rules: Rules, log: CallLog
) -> Generator[Send, "Answer | Fault | None", tuple[Order, Answer | Fault]]:
    """Send a request and follow where it is sent to; return the last request and its outcome."""
    for _ in range(MOST_REDIRECTS + 1):
        left = rules.seconds_left()
        if left is not None:
            left = max(0.001, left)
            order = order._replace(
                timeout_seconds=min(order.timeout_seconds, left),
                whole_seconds=min(order.whole_seconds, left),
            )
        log.begins()
        outcome = yield Send(order)
        if outcome is None:
            raise RuntimeError("a driver answers what it is asked to send")
        log.ended(order, outcome)
        if isinstance(outcome, Fault) or order.as_is or not outcome.is_redirect:
            return order, outcome
        target = _target(order, outcome)
        if isinstance(target, Fault):
            return order, target
        onward = order.redirected(outcome.status, target)
        if onward.content is not None and origin_of(target) != origin_of(order.url):
            # What is posted may hold credentials, as it does where one asks for a token.
            what = f"a redirect of what was sent to {shown_url(target)}"
            return order, Fault(what, permanent=True)
        order = onward
    return order, Fault(f"more than {MOST_REDIRECTS} redirects", permanent=True)


def _target(order: Order, answer: Answer) -> str | Fault:
    try:
        url = urljoin(order.url, answer.headers["location"]).partition("#")[0]
        origin = origin_of(url)
    except ValueError:
        return Fault("a redirect to what is no URL", permanent=True)
    shown = shown_url(url)
    if not origin.startswith(("http://", "https://")):
        return Fault(f"a redirect to {shown}, which is not HTTP", permanent=True)
    if order.url.startswith("https:") and origin.startswith("http:"):
        return Fault(f"a redirect from https to {shown}", permanent=True)
    return url


def _wait_seconds(
    order: Order, outcome: Answer | Fault, error: IntegrationError, attempt: int, rules: Rules
) -> float | None:
    """Return how long to wait before the next attempt; None: there is none."""
    untouched = isinstance(outcome, Fault) and outcome.untouched
    safe = may_repeat(error.cause, repeatable=order.repeatable, untouched=untouched)
    if attempt >= rules.max_attempts or not safe:
        return None
    asked = retry_after(outcome.headers, rules.now()) if isinstance(outcome, Answer) else None
    wait = backoff_seconds(attempt, rules.luck()) if asked is None else asked
    left = rules.seconds_left()
    # To wait past the deadline would end as a time-out, which says less than the error does.
    return None if wait > (rules.longest_wait_seconds if left is None else left) else wait
