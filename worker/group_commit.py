"""One thread that owns a SQLite connection and commits once for everyone who waits."""

import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, TypeVar

from worker.outbox_file import OutboxError

QUEUE_LENGTH = 1_000
GROUP_SIZE = 200

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]
_Asked = tuple[Work[Any], Future[Any]]


class GroupCommit:
    """Runs pieces of work in the order asked; each gets its answer once it is on disk.

    `committed` sees a group's answers after the commit and before those who asked.
    """

    def __init__(
        self, connection: sqlite3.Connection, committed: Callable[[Sequence[Any]], None]
    ) -> None:
        self._connection = connection
        self._committed = committed
        self._queue: queue.Queue[_Asked | None] = queue.Queue(QUEUE_LENGTH)
        self._thread = threading.Thread(target=self._run, name="outbox", daemon=True)
        self._thread.start()

    def submit(self, work: Work[T]) -> Future[T]:
        """Queue `work` to run within a transaction; blocks while the queue is full."""
        future: Future[T] = Future()
        self._queue.put((work, future))
        return future

    def close(self) -> None:
        """Finish what was asked, then close the connection."""
        self._queue.put(None)
        self._thread.join()
        self._connection.close()

    def _run(self) -> None:
        while True:
            group, last = self._next_group()
            if group:
                self._commit(group)
            if last:
                return

    def _next_group(self) -> tuple[list[_Asked], bool]:
        asked = self._queue.get()
        group = []
        while asked is not None:
            group.append(asked)
            if len(group) == GROUP_SIZE or self._queue.empty():
                return group, False
            asked = self._queue.get()
        return group, True

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
