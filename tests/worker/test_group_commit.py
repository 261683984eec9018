import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from worker.group_commit import GroupCommit
from worker.outbox_file import OutboxError


def open_connection(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("CREATE TABLE t (n INTEGER UNIQUE)")
    return connection


def open_ahead(path: Path) -> sqlite3.Connection:
    connection = open_connection(path)
    connection.execute("PRAGMA journal_mode=WAL")
    return connection


def rows_without_log(path: Path) -> int:
    """Count what is in the file itself: it gets there once the log is on disk."""
    copy = Path(shutil.copy(path, path.with_suffix(".copy")))
    with closing(sqlite3.connect(copy)) as connection:
        return int(connection.execute("SELECT count(*) FROM t").fetchone()[0])


def insert(number: int) -> Callable[[sqlite3.Connection], int]:
    return lambda found: found.execute("INSERT INTO t VALUES (?)", (number,)).rowcount


def test_work_that_waits_together_is_committed_together(tmp_path: Path) -> None:
    groups: list[Sequence[Any]] = []
    writer = GroupCommit(open_connection(tmp_path / "a.db"), groups.append)
    begun, go = threading.Event(), threading.Event()

    def hold(_: sqlite3.Connection) -> bool:
        begun.set()
        return go.wait(10)

    first = writer.submit(hold)
    assert begun.wait(10)
    rest = [writer.submit(insert(number)) for number in range(20)]
    go.set()

    assert first.result()
    assert [future.result() for future in rest] == [1] * 20
    assert [len(group) for group in groups] == [1, 20]
    writer.close()


def test_work_that_fails_changes_nothing_and_later_work_goes_on(tmp_path: Path) -> None:
    writer = GroupCommit(open_connection(tmp_path / "a.db"), lambda _: None)
    writer.submit(insert(1)).result()

    with pytest.raises(OutboxError, match="UNIQUE"):
        writer.submit(insert(1)).result()

    count = writer.submit(lambda c: c.execute("SELECT count(*) FROM t").fetchone())
    assert count.result() == (1,)
    writer.close()


def test_closing_finishes_what_was_asked(tmp_path: Path) -> None:
    writer = GroupCommit(open_connection(tmp_path / "a.db"), lambda _: None)
    futures = [writer.submit(insert(number)) for number in range(100)]

    writer.close()

    assert all(future.result() == 1 for future in futures)


def test_work_in_no_hurry_is_committed_with_what_is(tmp_path: Path) -> None:
    groups: list[Sequence[Any]] = []
    writer = GroupCommit(open_connection(tmp_path / "a.db"), groups.append)
    calm = [writer.submit(insert(number), hurry=False) for number in range(3)]
    assert writer.submit(insert(3)).result() == 1
    assert all(future.done() for future in calm)
    assert sum(map(len, groups)) == 4
    writer.close()


def test_work_in_no_hurry_is_done_by_itself_too(tmp_path: Path) -> None:
    writer = GroupCommit(open_connection(tmp_path / "a.db"), lambda _: None)
    assert writer.submit(insert(1), hurry=False).result(10) == 1
    writer.close()


def test_what_is_not_durable_is_on_disk_soon_though_more_comes_all_the_time(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    writer = GroupCommit(open_ahead(path), lambda _: None)
    end = time.monotonic() + 30
    for number in count():
        writer.submit(insert(number), durable=False).result()
        if rows_without_log(path):
            break
        assert time.monotonic() < end
    writer.close()


def test_the_disk_is_not_written_for_what_is_not_worth_it(tmp_path: Path) -> None:
    path, asked = tmp_path / "a.db", threading.Event()
    answers = iter([False])

    def is_worth_it() -> bool:
        asked.set()
        return next(answers, True)

    writer = GroupCommit(open_ahead(path), lambda _: None, is_worth_it)
    writer.submit(insert(1), durable=False).result()
    assert asked.wait(30)
    assert rows_without_log(path) == 0
    writer.submit(insert(2), durable=False).result()
    writer.close()
    assert rows_without_log(path) == 2
