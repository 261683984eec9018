"""What stands between a client and the network: a recorder of exchanges, or a player of them."""

import json
from _thread import allocate_lock
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeAlias

from utils.concealed import shown_url
from utils.exchange_faults import Spoiled, Trouble
from utils.exchange_file import (
    LIMIT_BYTES,
    Exchange,
    Reply,
    Request,
    comparable_url,
    exchange_between,
    kept_body,
)
from utils.exchange_secrets import Stripper
from utils.integration_errors import IntegrationPermanentError
from utils.suggest import did_you_mean

Outcome: TypeAlias = Reply | Trouble
_Key: TypeAlias = tuple[str, str, str]


class Tape(Protocol):
    """Hooks of HTTP libraries ask it about each request."""

    task: str  # that runs now

    def answer(self, request: Request) -> Outcome | None:
        """Return what comes of a request; None: it is to be sent, and then given to `keep`."""

    def keep(self, request: Request, reply: Reply) -> None:
        """Take what came of a request that was sent."""


class Recorder:
    """Sends everything, and hands out what may be kept of it."""

    def __init__(self, stripper: Stripper, take: Callable[[Exchange], None]) -> None:
        self.task = "StageOne"
        self._stripper = stripper
        self._take = take

    def answer(self, request: Request) -> None:
        """Let the request be sent."""

    def keep(self, request: Request, reply: Reply) -> None:
        """Hand out an exchange; a body that is too large would make no useful file."""
        if max(len(request.body or b""), len(reply.body)) > LIMIT_BYTES:
            raise IntegrationPermanentError(
                f"{request.method} {shown_url(request.url)} has a body of more than "
                f"{LIMIT_BYTES:,} bytes, which cannot be recorded",
                "ask for less while you record, or play the system by a server in your tests",
            )
        self._take(exchange_between(self.task, request, reply, self._stripper))


class Player:
    """Answers from recorded exchanges; the n-th request alike gets the n-th, the last repeats.

    A task gets its own; one that recorded no such request gets another's.
    """

    def __init__(
        self, exchanges: Sequence[Exchange], stripper: Stripper, spoiled: Spoiled | None = None
    ) -> None:
        self.task = "StageOne"
        self._stripper = stripper
        self._spoiled = spoiled
        self._exchanges = exchanges
        self._lock = allocate_lock()
        self._given = 0  # times that the spoiled exchange was asked for
        self._left: dict[_Key, dict[str, list[int]]] = {}  # by the task that recorded them
        for index, one in enumerate(exchanges):
            key = (one.method, comparable_url(one.url), _canonical(one.request_body))
            self._left.setdefault(key, {}).setdefault(one.task, []).append(index)

    def answer(self, request: Request) -> Outcome:
        """Return what was recorded, or what the fault makes of it.

        Raises IntegrationPermanentError for a request that is not among them.
        """
        body = kept_body(request.body, request.headers, self._stripper)
        method, wanted = request.method.upper(), _canonical(body)
        key = (method, comparable_url(self._stripper.url(request.url)), wanted)
        with self._lock:
            recorded = self._left.get(key)
            if not recorded:
                raise self._unknown(key)
            matching = recorded.get(self.task) or next(iter(recorded.values()))
            index = matching[0]
            if self._spoiled and index == self._spoiled.place and self._is_spoiled_still():
                return self._spoiled.outcome  # and again, when the request is repeated
            if len(matching) > 1:
                matching.pop(0)
        return self._exchanges[index].reply

    def keep(self, request: Request, reply: Reply) -> None:
        """Keep nothing: nothing was sent."""

    def _is_spoiled_still(self) -> bool:
        self._given += 1
        times = self._spoiled.times if self._spoiled else 0
        return times is None or self._given <= times

    def _unknown(self, key: _Key) -> IntegrationPermanentError:
        method, url, _ = key
        same = {one.url for one in self._exchanges if one.method == method}
        known = sorted(_named(one) for one in same)
        why = " with this body" if url in same else did_you_mean(_named(url), known)
        return IntegrationPermanentError(
            f"no recorded exchange answers {method} {_named(url)}{why}",
            "record it with `trueline run NAME --record DIR`",
        )


def _named(url: str) -> str:
    """Return a stripped URL so that an error shows its query, which tells one page from another."""
    address, _, query = url.partition("?")
    return f"{address} ? {query}" if query else address


def _canonical(body: Any) -> str:
    return json.dumps(body, sort_keys=True)
