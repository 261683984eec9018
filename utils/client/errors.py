"""What can go wrong between a client and the API."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from utils.errors import TruelineError


class WrongValue(NamedTuple):
    """One wrong value of a request: `pointer` is the JSON pointer that leads to it."""

    pointer: str
    message: str


class ApiAway(TruelineError):  # noqa: N818 - reads as the state it reports
    """Nobody answers at the API's address, or what answers is no Trueline."""


class ApiProblem(TruelineError):  # noqa: N818 - RFC 9457's word
    """The API refused a request.

    `kind` is the last part of the problem's type, such as "not-found"; `document` is all of it.
    """

    def __init__(self, status: int, document: Mapping[str, Any]) -> None:
        reason = document.get("detail") or document.get("title") or f"the API answered {status}"
        advice = document.get("advice") or "see the API's log for this request"
        super().__init__(str(reason), str(advice))
        self.status = status
        self.kind = str(document.get("type", "")).rpartition(":")[2]
        self.request_id: str | None = document.get("request_id")
        self.errors = tuple(
            WrongValue(str(one.get("pointer")), str(one.get("message")))
            for one in document.get("errors") or ()
        )
        self.document = dict(document)
