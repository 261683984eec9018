"""Answers requests that the server cannot even read: as problems, like all other refusals."""

import json
import uuid
from typing import Any

from api.problems import (
    CONTENT_TYPE,
    BadRequest,
    HeadersTooLarge,
    InternalError,
    Problem,
    UriTooLong,
)

_KINDS: tuple[type[Problem], ...] = (BadRequest, UriTooLong, HeadersTooLarge)


class Heard:
    """Stands for a connection where gunicorn tells its own answer; `status` is what it said."""

    def __init__(self) -> None:
        self.status = 500

    def gettimeout(self) -> float:
        """Say that nothing blocks."""
        return 0.0

    def sendall(self, content: bytes) -> None:
        """Take the status and nothing else."""
        self.status = int(content.split(b" ", 2)[1])


def unreadable(status: int) -> bytes:
    """Return the whole answer to a request that the server refused with this status."""
    problem = _problem(status)
    name = uuid.uuid4().hex
    body = json.dumps(problem.document(name)).encode()
    head = (
        f"HTTP/1.1 {problem.status} {problem.title}\r\n"
        f"Content-Type: {CONTENT_TYPE}\r\n"
        f"Content-Length: {len(body)}\r\n"
        f"X-Request-ID: {name}\r\n"
        "Connection: close\r\n\r\n"
    )
    return head.encode() + body


def send_unreadable(connection: Any, status: int) -> None:
    """Send that answer, unless nobody listens any more."""
    try:
        connection.setblocking(False)
        connection.sendall(unreadable(status))
    except OSError:
        return


def _problem(status: int) -> Problem:
    if status >= 500 and status != 501:
        return InternalError("an error inside the server", "try again")
    kind = next((kind for kind in _KINDS if kind.status == status), BadRequest)
    return kind(
        "the request is not one that the server reads",
        "send HTTP/1.1 with an address of at most 8 KiB and few, short headers",
    )
