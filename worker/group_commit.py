"""One thread that owns a SQLite connection and commits once for everyone who waits."""

import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, TypeVar

from worker.outbox_file import OutboxError

SYNC_SECONDS = 0.1  # so long what was in no hurry may wait for the disk
QUEUE_LENGTH = 1_000
GROUP_SIZE = 200
PATIENCE_SECONDS = 0.05  # so long what is in no hurry waits for others to be committed with

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]
_Asked = tuple[Work[Any], Future[Any]]


class GroupCommit:
    """Runs pieces of work in the order asked; each gets its answer once it is committed.

    `committed` sees a group's answers after the commit and before those who asked. The connection
    writes ahead: a commit that is on disk has those before it there, too. What was in no hurry is
    not written to disk by itself while nothing `is_worth_it`.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        committed: Callable[[Sequence[Any]], None],
        is_worth_it: Callable[[], bool] = lambda: True,
    ) -> None:
        self._connection = connection
        self._committed = committed
        self._is_worth_it = is_worth_it
        self._changed = threading.Condition()
        self._asked: deque[_Asked] = deque()
        self._is_hurried = False
        self._is_for_disk = False
        self._disk_due_at: float | None = None  # None: all of it is on disk
        self._syncs: bool | None = None  # whether a commit waits for the disk now
        self._is_closing = False
        self._thread = threading.Thread(target=self._run, name="outbox", daemon=True)
        self._thread.start()

    def submit(self, work: Work[T], *, hurry: bool = True, durable: bool = True) -> Future[T]:
        """Queue `work` to run within a transaction; blocks while the queue is full.

        Without `hurry` the commit may wait a moment for other work to share it. One that is not
        `durable` survives the end of this process, and is on disk a moment later.
        """
        future: Future[T] = Future()
        with self._changed:
            self._changed.wait_for(lambda: len(self._asked) < QUEUE_LENGTH)
            was_idle = not self._asked
            self._asked.append((work, future))
            self._is_hurried |= hurry
            self._is_for_disk |= durable
            if hurry or was_idle:
                self._changed.notify_all()
        return future

    def close(self) -> None:
        """Finish what was asked, then close the connection."""
        with self._changed:
            self._is_closing = True
            self._changed.notify_all()
        self._thread.join()
        self._connection.close()

    def _run(self) -> None:
        while self._wait_for_work():
            group, is_for_disk = self._next_group()
            self._sync_commits(at_once=is_for_disk)
            changes = self._connection.total_changes
            self._commit(group)
            self._note_commit(
                is_on_disk=is_for_disk, is_changed=changes != self._connection.total_changes
            )
            self._write_what_is_due()
        self._write_to_disk()

    def _wait_for_work(self) -> bool:
        """Wait until there is some; False at the close, once all is done."""
        with self._changed:
            due_at = self._disk_due_at
            left_seconds = None if due_at is None else max(0.0, due_at - time.monotonic())
            is_idle = not self._changed.wait_for(self._has_work, left_seconds)
        if is_idle:
            self._write_what_is_due()
        with self._changed:
            self._changed.wait_for(self._has_work)
            return bool(self._asked)

    def _has_work(self) -> bool:
        return bool(self._asked) or self._is_closing

    def _next_group(self) -> tuple[list[_Asked], bool]:
        """Take work after a moment for more to come; whether any of it shall be durable."""
        with self._changed:
            self._changed.wait_for(self._is_to_begin, PATIENCE_SECONDS)
            size = min(len(self._asked), GROUP_SIZE)
            group, is_for_disk = [self._asked.popleft() for _ in range(size)], self._is_for_disk
            is_more = bool(self._asked)
            self._is_hurried, self._is_for_disk = is_more, is_more and is_for_disk
            self._changed.notify_all()  # there is room again
            return group, is_for_disk

    def _sync_commits(self, *, at_once: bool) -> None:
        if at_once is not self._syncs:
            self._connection.execute(f"PRAGMA synchronous={'FULL' if at_once else 'NORMAL'}")
            self._syncs = at_once

    def _note_commit(self, *, is_on_disk: bool, is_changed: bool) -> None:
        if is_on_disk:
            self._disk_due_at = None
        elif is_changed and self._disk_due_at is None:
            self._disk_due_at = time.monotonic() + SYNC_SECONDS

    def _write_what_is_due(self) -> None:
        if self._disk_due_at is None or time.monotonic() < self._disk_due_at:
            return
        if self._is_worth_it():
            self._write_to_disk()
        else:
            self._disk_due_at = None

    def _write_to_disk(self) -> None:
        self._disk_due_at = None
        with suppress(sqlite3.Error):  # a full disk is told to whoever asks next
            self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def _is_to_begin(self) -> bool:
        return self._is_hurried or self._is_closing or len(self._asked) >= GROUP_SIZE

    def _commit(self, group: list[_Asked]) -> None:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            answers = [work(self._connection) for work, _ in group]
            self._connection.execute("COMMIT")
            self._committed(answers)
        except Exception as error:  # noqa: BLE001 - the edge of this thread: those who asked get it
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            reported = _explained(error)
            for _, future in group:
                future.set_exception(reported)
            return
        for (_, future), answer in zip(group, answers, strict=True):
            future.set_result(answer)


def _explained(error: Exception) -> Exception:
    if not isinstance(error, sqlite3.Error):
        return error
    return OutboxError(
        f"the outbox cannot be written: {error}",
        "free some room on the disk of the data directory; the worker goes on by itself then",
    )
