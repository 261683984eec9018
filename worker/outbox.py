"""Reports on disk: every event stands here before anything else, until the API confirms it."""

import json
import sqlite3
import threading
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from utils.failpoints import failpoint
from worker.group_commit import GroupCommit
from worker.lease import Lease
from worker.outbox_file import OutboxError, open_outbox_file

LIMIT_BYTES = 256 * 1024 * 1024
RESERVE_BYTES = 4 * 1024 * 1024  # so that a job can still report that the outbox was full
LAST_EVENT = "job_finished"


class OutboxFull(OutboxError):  # noqa: N818 - reads as the state it reports
    """So much is unsent that nothing more is taken in."""


@dataclass(frozen=True)
class StoredEvent:
    """One event that waits to be sent; `payload` is its JSON text.

    Its size is what it takes on disk: that of large data which it speaks of, too.
    """

    lease: Lease
    seq: int
    type: str
    size_bytes: int
    payload: str


@dataclass(frozen=True)
class Depth:
    """How much waits to be sent, and for how long the oldest has waited."""

    events: int
    size_bytes: int
    oldest_seconds: float


@dataclass(frozen=True)
class _Removed:
    lease: Lease
    events: int
    size_bytes: int
    had_last: bool


class Outbox:
    """The events of all jobs, each job's in order; what it took in survives a crash."""

    def __init__(self, path: Path, limit_bytes: int = LIMIT_BYTES) -> None:
        connection = open_outbox_file(path)
        self._limit_bytes = limit_bytes
        self._order = threading.Lock()  # numbers of a job are given and queued in one step
        self._next_seq: dict[tuple[str, int], int] = {}
        self._changed = threading.Condition()
        events, size_bytes = connection.execute(
            "SELECT count(*), coalesce(sum(size), 0) FROM events"
        ).fetchone()
        self._events, self._bytes = int(events), int(size_bytes)
        self._finished = set(_finished(connection))
        self._queued_bytes = 0
        self._endings = 0
        self._writer = GroupCommit(connection, self._count, lambda: self._events > 0)

    def append(self, lease: Lease, event: Mapping[str, Any]) -> int:
        """Keep one event on disk, then return its number within the attempt."""
        return self.put(lease, event).result().seq

    def put(
        self, lease: Lease, event: Mapping[str, Any], *, reserve: bool = False
    ) -> Future[StoredEvent]:
        """Queue one event behind those of its job; the answer comes when it is on disk.

        Raises OutboxFull at the limit; `reserve` may go over it, to say why a job ended.
        """
        with self._order:
            seq = self._next_seq.get((lease.job_id, lease.attempt), 1)
            stored = _stored(lease, seq, event)
            self._take_room(stored.size_bytes, reserve=reserve)
            self._next_seq[lease.job_id, lease.attempt] = seq + 1
            is_last = stored.type == LAST_EVENT
            future = self._writer.submit(
                partial(_insert, stored=stored), hurry=is_last, durable=False
            )
        future.add_done_callback(lambda _: self._give_room(stored.size_bytes))
        return future

    def replace(self, lease: Lease, seq: int, event: Mapping[str, Any]) -> None:
        """Put one event, numbered `seq`, in place of all that is left of an attempt."""
        stored = _stored(lease, seq, event)
        self.drop(lease)
        self._writer.submit(lambda connection: _insert(connection, stored)).result()

    def forget(self, lease: Lease) -> None:
        """Forget an attempt's numbering: nothing more will be appended to it."""
        with self._order:
            self._next_seq.pop((lease.job_id, lease.attempt), None)

    def take(
        self, most_events: int, most_bytes: int, without: Collection[Lease] = ()
    ) -> Sequence[StoredEvent]:
        """Return the oldest events, at least one where there are any; they stay until confirmed.

        The events of leases in `without` are passed over.
        """
        return self._writer.submit(
            lambda found: _oldest(found, most_events, most_bytes, without), durable=False
        ).result()

    def leases(self) -> Sequence[Lease]:
        """Return the leases that there are events of."""
        return self._writer.submit(_leases, durable=False).result()

    def confirm(self, confirmed: Iterable[tuple[Lease, int]]) -> None:
        """Remove what the API has recorded: of each lease the events up to a number."""
        asked = [
            self._writer.submit(partial(_remove, lease=lease, last_seq=last_seq), durable=False)
            for lease, last_seq in confirmed
        ]
        for removed in asked:
            removed.result()

    def drop(self, lease: Lease) -> int:
        """Remove everything of an attempt that can no longer be reported; return how much."""
        return self._writer.submit(lambda found: _remove(found, lease, None)).result().events

    def depth(self) -> Depth:
        """Say how much is unsent."""
        since = self._writer.submit(_oldest_time, durable=False).result()
        with self._changed:
            return Depth(self._events, self._bytes, max(0.0, time.time() - since) if since else 0.0)

    def finished(self) -> frozenset[Lease]:
        """Return the attempts whose last event still waits: theirs are leases worth keeping."""
        with self._changed:
            return frozenset(self._finished)

    @property
    def is_filling(self) -> bool:
        """Whether new jobs should wait until the API has taken some of it."""
        return self._bytes + self._queued_bytes >= self._limit_bytes // 2

    def wait_for_events(self, stop: threading.Event, timeout_seconds: float) -> bool:
        """Wait until there is something to send or `stop` is set (see `wake`)."""
        with self._changed:
            self._changed.wait_for(lambda: self._events or stop.is_set(), timeout_seconds)
            return bool(self._events)

    def wait_for_change(self, timeout_seconds: float) -> None:
        """Wait until an event comes or goes, or `wake` is called."""
        with self._changed:
            self._changed.wait(timeout_seconds)

    def wait_for_ending(self, timeout_seconds: float) -> None:
        """Let events gather for a moment, but not once a job's last one is among them."""
        with self._changed:
            self._changed.wait_for(lambda: self._endings, timeout_seconds)
            self._endings = 0

    def wait_until_empty(self, timeout_seconds: float) -> bool:
        """Wait until everything is confirmed."""
        with self._changed:
            return bool(self._changed.wait_for(lambda: not self._events, timeout_seconds))

    def wake(self) -> None:
        """Make those who wait look again."""
        with self._changed:
            self._changed.notify_all()

    def close(self) -> None:
        """Commit what is queued and close the file."""
        self._writer.close()

    def _take_room(self, size_bytes: int, *, reserve: bool) -> None:
        with self._changed:
            held_bytes = self._bytes + self._queued_bytes
            if held_bytes + size_bytes > self._limit_bytes + RESERVE_BYTES * reserve:
                raise OutboxFull(
                    f"the outbox holds {held_bytes} bytes of reports that the API has not taken"
                    f" and has no room for {size_bytes} more (limit {self._limit_bytes})",
                    "find out why the API takes no reports; then run the job again",
                )
            self._queued_bytes += size_bytes

    def _give_room(self, size_bytes: int) -> None:
        with self._changed:
            self._queued_bytes -= size_bytes

    def _count(self, answers: Sequence[Any]) -> None:
        with self._changed:
            for answer in answers:
                if isinstance(answer, StoredEvent):
                    failpoint(f"outbox-{answer.type}")
                    self._events += 1
                    self._bytes += answer.size_bytes
                    if answer.type == LAST_EVENT:
                        self._endings += 1
                        self._finished.add(answer.lease)
                elif isinstance(answer, _Removed):
                    self._events -= answer.events
                    self._bytes -= answer.size_bytes
                    if answer.had_last:
                        self._finished.discard(answer.lease)
            self._changed.notify_all()


def _stored(lease: Lease, seq: int, event: Mapping[str, Any]) -> StoredEvent:
    at = datetime.now(UTC).isoformat()
    payload = json.dumps({"seq": seq, "at": at, **event}, ensure_ascii=False, allow_nan=False)
    payload = payload.encode("utf-8", "replace").decode("utf-8")  # no lone surrogates
    size_bytes = len(payload.encode("utf-8")) + _large_bytes(event)
    return StoredEvent(lease, seq, str(event["type"]), size_bytes, payload)


def _large_bytes(event: Mapping[str, Any]) -> int:
    large = event.get("result", {}).get("large_data")
    return int(large["stored_bytes"]) if large else 0


def _insert(connection: sqlite3.Connection, stored: StoredEvent) -> StoredEvent:
    lease = stored.lease
    connection.execute(
        "INSERT INTO events (job_id, attempt, token, seq, type, size, stored_at, payload)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(lease.job_id, lease.attempt, lease.token),
            *(stored.seq, stored.type, stored.size_bytes, time.time(), stored.payload),
        ),
    )
    return stored


def _oldest(
    connection: sqlite3.Connection,
    most_events: int,
    most_bytes: int,
    without: Collection[Lease],
) -> Sequence[StoredEvent]:
    rows = connection.execute(
        "SELECT job_id, attempt, token, seq, type, size, payload FROM events ORDER BY id"
    )
    taken: list[StoredEvent] = []
    size_bytes = 0
    for job_id, attempt, token, seq, kind, size, payload in rows:
        lease = Lease(job_id, attempt, token)
        if lease in without:
            continue
        size_bytes += size
        if taken and (size_bytes > most_bytes or len(taken) == most_events):
            break
        taken.append(StoredEvent(lease, seq, kind, size, payload))
    rows.close()
    return tuple(taken)


def _remove(connection: sqlite3.Connection, lease: Lease, last_seq: int | None) -> _Removed:
    which = (lease.job_id, lease.attempt, 2**62 if last_seq is None else last_seq)
    events, size_bytes, last = connection.execute(
        "SELECT count(*), coalesce(sum(size), 0), coalesce(max(type = ?), 0) FROM events"
        " WHERE job_id = ? AND attempt = ? AND seq <= ?",
        (LAST_EVENT, *which),
    ).fetchone()
    connection.execute("DELETE FROM events WHERE job_id = ? AND attempt = ? AND seq <= ?", which)
    return _Removed(lease, events, size_bytes, had_last=bool(last))


def _leases(connection: sqlite3.Connection) -> list[Lease]:
    rows = connection.execute("SELECT DISTINCT job_id, attempt, token FROM events")
    return [Lease(*row) for row in rows]


def _finished(connection: sqlite3.Connection) -> list[Lease]:
    rows = connection.execute(
        "SELECT job_id, attempt, token FROM events WHERE type = ?", (LAST_EVENT,)
    )
    return [Lease(*row) for row in rows]


def _oldest_time(connection: sqlite3.Connection) -> float | None:
    row = connection.execute("SELECT stored_at FROM events ORDER BY id LIMIT 1").fetchone()
    return None if row is None else float(row[0])
