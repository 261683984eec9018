import pytest
from sqlalchemy import Connection, func, insert, select

from api.database import Database
from api.tables import sources

ROW = {"ref": "r", "state": "ok"}


def add(database: Database, url: str, clock: object) -> None:
    with database.write() as connection:
        now = clock()  # type: ignore[operator]  # the fixture's clock
        connection.execute(insert(sources).values(ROW | {"url": url, "checked_at": now}))


def count(database: Database) -> int:
    with database.read() as connection:
        return int(connection.execute(select(func.count()).select_from(sources)).scalar_one())


def test_joined_writes_are_seen_together(database: Database, clock: object) -> None:
    begun: list[Connection] = []
    with database.joined(begun.append):
        assert begun == []  # nothing is locked before the first write
        add(database, "a", clock)
        add(database, "b", clock)
        assert count(database) == 0
    assert (count(database), len(begun)) == (2, 1)
    add(database, "c", clock)
    assert count(database) == 3


def test_error_takes_all_of_them_back(database: Database, clock: object) -> None:
    def fail() -> None:
        with database.joined(lambda _: None):
            add(database, "a", clock)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert count(database) == 0
    add(database, "b", clock)
    assert count(database) == 1


def test_nothing_follows_a_write_that_failed(database: Database, clock: object) -> None:
    def go_on() -> None:
        with database.joined(lambda _: None):
            with pytest.raises(ZeroDivisionError), database.write():
                raise ZeroDivisionError
            add(database, "a", clock)

    with pytest.raises(RuntimeError, match="has failed"):
        go_on()
    assert count(database) == 0
