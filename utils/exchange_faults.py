"""Faults of remote systems, as the fault matrix plays them on recorded exchanges."""

import json
import re
from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

from utils.exchange_file import Exchange, Reply

RETRY_AFTER_SECONDS = 30
_NEXT = re.compile(r"<([^<>]*)>[^,]*\brel\s*=\s*\"?[^\",;]*\bnext\b", re.IGNORECASE)
_JSON = {"content-type": "application/json; charset=utf-8"}


class Fault(StrEnum):
    """What the other system does instead of its recorded answer."""

    UNAUTHORIZED = "401"
    FORBIDDEN = "403"
    RATE_LIMITED = "429"  # with Retry-After
    SERVER_ERROR = "500"
    TIMEOUT = "timeout"  # connected, and no answer
    REFUSED = "refused"  # no connection
    CUT_OFF = "cut off"  # the body ends before its length
    NOT_JSON = "not JSON"  # a page of a proxy or of a login, with status 200
    NO_NEXT_PAGE = "no next page"  # the page that this one announces is not there


# What any server can do, whatever it speaks.
OF_ANY_SERVER = (Fault.TIMEOUT, Fault.REFUSED, Fault.CUT_OFF)


class Trouble(NamedTuple):
    """No whole answer: the client's library says so in its own way."""

    kind: Fault  # TIMEOUT, REFUSED or CUT_OFF
    reply: Reply | None = None  # of CUT_OFF: what came until then


class Spoiled(NamedTuple):
    """Which of the recorded exchanges does not happen as recorded, and what happens instead."""

    place: int
    outcome: "Reply | Trouble"
    times: int | None = None  # that it does not happen; None: never


def spoiled(exchanges: Sequence[Exchange], index: int, fault: Fault) -> Spoiled | None:
    """Return what a fault does to one exchange; None where it cannot happen to it."""
    exchange = exchanges[index]
    match fault:
        case Fault.TIMEOUT | Fault.REFUSED:
            return Spoiled(index, Trouble(fault))
        case Fault.CUT_OFF:
            reply = exchange.reply
            cut = reply._replace(body=reply.body[: len(reply.body) // 2])
            return Spoiled(index, Trouble(fault, cut)) if len(reply.body) > 1 else None
        case Fault.NOT_JSON:
            page = Reply(200, {"content-type": "text/html"}, b"<html><body>Sign in</body></html>")
            return Spoiled(index, page) if exchange.body and "json" in exchange.body else None
        case Fault.NO_NEXT_PAGE:
            after = page_after(exchanges, index)
            return None if after is None else Spoiled(after, _refusal(404, "Not Found"))
        case Fault.RATE_LIMITED:
            wait = {"retry-after": str(RETRY_AFTER_SECONDS)}
            return Spoiled(index, _refusal(429, "Too many requests", wait))
        case _:
            said = {"401": "Bad credentials", "403": "Forbidden"}.get(fault, "Server Error")
            return Spoiled(index, _refusal(int(fault), said))


def page_after(exchanges: Sequence[Exchange], index: int) -> int | None:
    """Return which exchange got the page that follows the one of this exchange.

    That is the one that its Link header names, or else the next of its task with the same method
    and path, and another query or body.
    """
    here = exchanges[index]
    found = _NEXT.search(here.headers.get("link", ""))
    announced = urljoin(here.url, found[1]) if found else None
    for later in range(index + 1, len(exchanges)):
        there = exchanges[later]
        if there.task != here.task or there.method != here.method:
            continue
        if there.url == announced:
            return later
        is_other = (there.url, there.request_body) != (here.url, here.request_body)
        if not found and is_other and _place(there.url) == _place(here.url):
            return later
    return None


def _refusal(status: int, said: str, headers: dict[str, str] | None = None) -> Reply:
    return Reply(status, _JSON | (headers or {}), json.dumps({"message": said}).encode())


def _place(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.netloc, parts.path
