"""A job's line to what all jobs of a machine share: one request at a time, a JSON line each way.

The worker gave it to this process as a descriptor, and so knows whose it is. Where it is lost, the
job goes on with a cache and token buckets of its own.
"""

import json
import os
import socket
import sys
from _thread import allocate_lock
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from utils.cache import Store
from utils.token_bucket import Buckets, Pace

ANSWER_SECONDS = 5.0
VALUE_BYTES = 1024 * 1024  # a longer value is kept for its job alone
REQUEST_BYTES = 2 * VALUE_BYTES + 16 * 1024  # JSON within JSON: each quotation mark takes two
DROPPED_AT_ONCE = 500
_PIECE_BYTES = 256 * 1024
_LOST = (
    "trueline: what jobs share is out of reach ({reason}): this job has a cache and rate limits "
    "of its own\n"
)


class LineLost(Exception):  # noqa: N818 - an event, answered by the job's own
    """The line is of no use any more."""


class Line:
    """One connection, safe from threads; a process that was forked from this one has none."""

    def __init__(self, descriptor: int) -> None:
        self._lock = allocate_lock()
        self._process = os.getpid()
        self._left = b""
        self._socket: socket.socket | None = None
        try:
            self._socket = socket.socket(fileno=os.dup(descriptor))
            self._socket.settimeout(ANSWER_SECONDS)
        except OSError as error:
            self._lose(error)

    def ask(self, do: str, **more: Any) -> dict[str, Any]:
        """Return the answer to a request; raises LineLost."""
        if os.getpid() != self._process:
            raise LineLost  # and the lock may be held by a thread that is not in this process
        request = json.dumps({"do": do, **more}, ensure_ascii=False).encode() + b"\n"
        with self._lock:
            if self._socket is None:
                raise LineLost
            try:
                self._socket.sendall(request)
                answer: dict[str, Any] = json.loads(self._answer(self._socket))
            except (OSError, ValueError) as error:
                self._lose(error)
                raise LineLost from error
            except BaseException:  # a deadline: the answer would be taken for that to the next
                self._lose("it was cut short")
                raise
        return answer

    def _answer(self, connection: socket.socket) -> bytes:
        pieces = [self._left]
        while b"\n" not in pieces[-1]:
            piece = connection.recv(_PIECE_BYTES)
            if not piece:
                raise ConnectionResetError("it ended")
            pieces.append(piece)
        line, _, self._left = b"".join(pieces).partition(b"\n")
        return line

    def _lose(self, reason: object) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        sys.stderr.write(_LOST.format(reason=reason))


class SharedBuckets:
    """The token buckets of all jobs that use the same remote and credential."""

    def __init__(self, line: Line, own: Buckets) -> None:
        self._line = line
        self._own = own

    def reserve(self, name: str, pace: Pace, longest_seconds: float) -> float | None:
        """Return the seconds until a token is there, or None."""
        limits = {"capacity": pace.capacity, "refill": pace.refill_per_second}
        try:
            answer = self._line.ask("reserve", name=name, longest=longest_seconds, **limits)
        except LineLost:
            return self._own.reserve(name, pace, longest_seconds)
        if "error" in answer:
            return self._own.reserve(name, pace, longest_seconds)
        wait: float | None = answer["wait"]
        return wait


class SharedStore:
    """What jobs with the same integration and config keep; what is too large is this job's own."""

    def __init__(self, line: Line, own: Store) -> None:
        self._line = line
        self._own = own

    def get(self, key: str) -> str | None:
        """Return a value that has not expired."""
        value: str | None = self._asked("get", key=key).get("value")
        return self._own.get(key) if value is None else value

    def set(self, key: str, value: str, ttl_seconds: float) -> None:
        """Keep a value."""
        self._own.drop(_exactly(key))
        kept = len(value) <= VALUE_BYTES and self._asked(
            "set", key=key, value=value, ttl=ttl_seconds
        ).get("kept")
        if not kept:
            self._asked("drop", keys=[key])
            self._own.set(key, value, ttl_seconds)

    def drop(self, pattern: str) -> int:
        """Forget each key that a pattern means; return how many.

        It is matched here: there are patterns that take long.
        """
        meant = [key for key in self._keys() if fnmatchcase(key, pattern)]
        dropped = self._own.drop(pattern)
        for at in range(0, len(meant), DROPPED_AT_ONCE):
            dropped += self._asked("drop", keys=meant[at : at + DROPPED_AT_ONCE]).get("dropped", 0)
        return dropped

    def claim(self, key: str, seconds: float) -> str | None:
        """Return a token when nobody else computes this key now."""
        answer = self._asked("claim", key=key, seconds=seconds)
        if "token" not in answer:
            return self._own.claim(key, seconds)
        token: str | None = answer["token"]
        return token

    def release(self, key: str, token: str) -> None:
        """Give a claim back, where it is still one's own."""
        self._asked("release", key=key, token=token)
        self._own.release(key, token)

    def _keys(self) -> Iterator[str]:
        after = ""
        while keys := self._asked("keys", after=after).get("keys"):
            yield from keys
            after = keys[-1]

    def _asked(self, do: str, **more: Any) -> Mapping[str, Any]:
        try:
            return self._line.ask(do, **more)
        except LineLost:
            return {}


def _exactly(key: str) -> str:
    return "".join(f"[{one}]" if one in "*?[" else one for one in key)
