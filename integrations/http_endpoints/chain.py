"""Where a URL leads: redirects followed by hand, step by step, to hosts that are allowed."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urljoin, urlsplit

from integrations.http_endpoints.endpoint import Endpoint
from utils.errors import IntegrationError, IntegrationPermanentError
from utils.http import Answer

MOST_STEPS = 10


class End(StrEnum):
    """How a chain ended."""

    ANSWER = "answer"  # of the last step, which is no redirect
    ARRIVED = "arrived"  # at the URL itself, whose own chain tells the rest
    OTHER_HOST = "other host"  # one that is not allowed: it was not asked
    LOOP = "loop"  # a URL came twice
    TOO_MANY = "too many redirects"
    BAD_TARGET = "bad target"  # no URL of http or https
    NO_ANSWER = "no answer"
    NOT_ASKED = "not asked"  # from here: no time, or no permission


@dataclass(frozen=True)
class Step:
    """A URL that was asked for, and its answer."""

    url: str
    status: int
    target: str | None  # where it redirects to


@dataclass(frozen=True)
class Chain:
    """All steps from a URL to its end."""

    start: str
    steps: tuple[Step, ...]
    end: End
    error: str | None = None  # of NO_ANSWER and NOT_ASKED


def follow(start: str, endpoint: Endpoint, get: Callable[[str], Answer]) -> Chain:
    """Return where a URL leads."""
    steps: list[Step] = []
    url: str | None = start
    while url is not None:
        end = _end_before(url, steps, endpoint)
        if end is not None:
            return Chain(start, tuple(steps), end)
        try:
            answer = get(url)
        except IntegrationError as error:
            is_asked = not isinstance(error, IntegrationPermanentError)
            end = End.NO_ANSWER if is_asked else End.NOT_ASKED
            return Chain(start, tuple(steps), end, str(error))
        steps.append(Step(url, answer.status, _target(url, answer)))
        url = steps[-1].target
    return Chain(start, tuple(steps), End.ANSWER)


def _end_before(url: str, steps: list[Step], endpoint: Endpoint) -> End | None:
    """Return why a URL is not asked for."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return End.BAD_TARGET
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return End.BAD_TARGET
    if steps and not endpoint.may_lead_to(parts.hostname):
        return End.OTHER_HOST
    if url in {step.url for step in steps}:
        return End.LOOP
    if steps and url == endpoint.url:
        return End.ARRIVED
    return End.TOO_MANY if len(steps) > MOST_STEPS else None


def _target(url: str, answer: Answer) -> str | None:
    if not answer.is_redirect:
        return None
    location = answer.headers["location"]
    try:
        return urljoin(url, location).partition("#")[0]
    except ValueError:
        return location
