"""What a client was made with, and how it turns a call into a request; both clients share it."""

import logging
import random
import re
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple, TypedDict, Unpack

from utils import __version__
from utils.deadline import Deadline, current_deadline, seconds_left
from utils.http_answer import Answer, json_of
from utils.http_exchange import Breaker, Exchange, Limit, Rules, exchange
from utils.http_log import CallLog
from utils.http_order import IDEMPOTENCY_KEY, SAFE_TO_REPEAT, Body, Endpoint, Order, Params
from utils.http_order import encoded_body as encoded
from utils.integration_errors import IntegrationError, IntegrationNotConfigured
from utils.task_logger import TaskLogger

LOGGER = "trueline.http"
DOWNLOAD_SECONDS = 3600.0  # where no task's deadline comes before that
BODY_BYTES = 64 * 1024 * 1024
LONGEST_WAIT_SECONDS = 120.0  # for a Retry-After, where no task's deadline says more
WHOLE_TIMES = 10  # so many time-outs may an answer take that is kept in memory
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_SENDABLE = re.compile(r"[\t\x20-\x7e\xa0-\xff]*")


class Edges(NamedTuple):
    """Where a client meets clock and chance."""

    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    async_sleep: Callable[[float], Awaitable[None]] | None = None  # None: asyncio's
    luck: Callable[[], float] = random.random
    seconds_left: Callable[[], float | None] = seconds_left


class HTTPOptions(NamedTuple):
    """What a client may be told beside its base URL, headers, time-out and attempts."""

    limit: Limit | None = None  # a token bucket
    breaker: Breaker | None = None  # a circuit breaker; off by default
    logger: logging.Logger | None = None
    verify: ssl.SSLContext | None = None  # for certificates of an own authority
    max_body_bytes: int = BODY_BYTES
    edges: Edges = Edges()
    deadline: Deadline | None = None  # in threads that a task starts; None: the one it is made in


class Extras(TypedDict, total=False):
    """What a single request may be told."""

    headers: Mapping[str, str]
    params: Params
    json: object  # sent as JSON
    data: Body  # a form, or a body as it is
    timeout: float
    repeat: bool  # it does no harm to send it twice, although it is a POST or PATCH
    as_is: bool  # any status is an answer, and no redirect is followed


class HTTPSetup:
    """The description of a client."""

    def __init__(
        self,
        base_url: str,
        headers: Mapping[str, str] | None,
        timeout: float,
        max_retries: int,
        options: HTTPOptions,
    ) -> None:
        if timeout <= 0:
            raise ValueError(f"timeout is {timeout!r}: it are seconds, more than 0")
        if max_retries < 1:
            raise ValueError(
                f"max_retries is {max_retries!r}: it counts attempts, 1 means no retry"
            )
        self.endpoint = Endpoint.read(base_url)
        self.options = options
        self._timeout = timeout
        self._max_attempts = max_retries
        self._logger = options.logger or TaskLogger(LOGGER)
        self._deadline = options.deadline or current_deadline()
        usual = {"accept": "application/json", "user-agent": f"trueline/{__version__}"}
        self._headers = usual | self.endpoint.authorization | _checked(headers)

    def order(self, method: str, path: str, **extras: Unpack[Extras]) -> Order:
        """Return the request that a call asks for."""
        method = method.upper()
        content, kind = encoded(extras.get("json"), extras.get("data"))
        headers = self._headers | kind | _checked(extras.get("headers"))
        safe = method in SAFE_TO_REPEAT or IDEMPOTENCY_KEY in headers
        timeout_seconds = extras.get("timeout", self._timeout)
        return Order(
            method=method,
            url=self.endpoint.address(path, extras.get("params")),
            headers=headers,
            content=content,
            timeout_seconds=timeout_seconds,
            repeatable=extras.get("repeat", safe),
            as_is=extras.get("as_is", False),
            whole_seconds=WHOLE_TIMES * timeout_seconds,
        )

    def download(self, path: str, **extras: Unpack[Extras]) -> Order:
        """Return the request for a file, which may take as long as its task has."""
        return self.order("GET", path, **extras)._replace(whole_seconds=DOWNLOAD_SECONDS)

    def json_of(self, order: Order, answer: Answer) -> Any:
        """Return the JSON of an answer; an error is logged."""
        try:
            return json_of(order, answer)
        except IntegrationError as error:
            self._log().refused(error)
            raise

    def exchange(self, order: Order) -> Exchange:
        """Return the course of a request, for a driver."""
        edges = self.options.edges
        rules = Rules(
            max_attempts=self._max_attempts,
            longest_wait_seconds=LONGEST_WAIT_SECONDS,
            seconds_left=self._seconds_left,
            now=edges.now,
            luck=edges.luck,
            limit=self.options.limit,
            breaker=self.options.breaker,
        )
        return exchange(order, rules, self._log())

    def _seconds_left(self) -> float | None:
        left = self.options.edges.seconds_left()
        return self._deadline.seconds_left() if left is None and self._deadline else left

    def _log(self) -> CallLog:
        return CallLog(self._logger, self._max_attempts)


def _checked(headers: Mapping[str, str] | None) -> dict[str, str]:
    """Return headers by lower-case name; raises IntegrationNotConfigured, without the value."""
    for name, value in (headers or {}).items():
        if not _TOKEN.fullmatch(name):
            raise IntegrationNotConfigured(
                f"{name!r} is no name of a header", "use letters, digits and hyphens"
            )
        if not isinstance(value, str) or not _SENDABLE.fullmatch(value) or value != value.strip():
            raise IntegrationNotConfigured(
                f"the header {name!r} has a value that HTTP cannot carry",
                "it must be text without line ends, and without blanks at its ends",
            )
    return {name.lower(): value for name, value in (headers or {}).items()}
