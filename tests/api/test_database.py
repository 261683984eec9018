import os
import random
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, OperationalError

from api.database import Database
from api.integrity import check_integrity
from utils.errors import SettingsError
from utils.settings import Settings


@pytest.fixture
def counter(tmp_path: Path) -> Database:
    database = Database(f"sqlite:///{tmp_path / 'test.db'}")
    with database.write() as connection:
        connection.execute(text("CREATE TABLE counts (number INTEGER PRIMARY KEY)"))
    return database


def numbers(database: Database) -> list[int]:
    with database.read() as connection:
        return list(connection.execute(text("SELECT number FROM counts ORDER BY 1")).scalars())


def add(database: Database, number: int) -> None:
    with database.write() as connection:
        connection.execute(text("INSERT INTO counts VALUES (:number)"), {"number": number})


def test_error_in_a_transaction_leaves_nothing(counter: Database) -> None:
    add(counter, 1)
    with pytest.raises(IntegrityError), counter.write() as connection:
        connection.execute(text("INSERT INTO counts VALUES (2), (1)"))
    assert numbers(counter) == [1]
    counter.close()


def test_error_does_not_tell_the_values_of_its_statement(counter: Database) -> None:
    add(counter, 8675309)
    with pytest.raises(IntegrityError) as error:
        add(counter, 8675309)
    assert "8675309" not in str(error.value)
    counter.close()


def test_writers_at_once_lose_no_commit(counter: Database) -> None:
    def work(first: int) -> None:
        for number in range(first, first + 10):
            add(counter, number)

    threads = [threading.Thread(target=work, args=(10 * index,)) for index in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert numbers(counter) == list(range(80))
    counter.close()


def test_second_writer_waits_no_longer_than_it_was_told(counter: Database, tmp_path: Path) -> None:
    hasty = Database(f"sqlite:///{tmp_path / 'test.db'}", busy_timeout_ms=20)
    with counter.write(), pytest.raises(OperationalError, match="locked"):
        add(hasty, 1)
    add(hasty, 2)
    assert numbers(counter) == [2]
    hasty.close()
    counter.close()


def test_reading_transaction_sees_one_state(counter: Database) -> None:
    add(counter, 1)
    with counter.read() as connection:
        first = connection.execute(text("SELECT count(*) FROM counts")).scalar()
        assert connection.execute(text("SELECT count(*) FROM counts")).scalar() == first == 1
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
    counter.close()


@pytest.mark.parametrize("url", ["poetry", "nosuch://x", "postgresql+nosuch://u:canary@h/d"])
def test_url_that_cannot_be_used_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(SettingsError, match="TRUELINE_DATABASE_URL") as error:
        Database(url)
    assert "canary" not in str(error.value)


def test_writers_of_one_process_take_turns_instead_of_being_told_that_it_is_busy(
    tmp_path: Path,
) -> None:
    database = Database(f"sqlite:///{tmp_path / 'test.db'}", busy_timeout_ms=20_000)
    with database.write() as connection:
        connection.execute(text("CREATE TABLE counts (number INTEGER PRIMARY KEY)"))
    second = threading.Thread(target=add, args=(database, 2))
    with database.write() as connection:
        second.start()
        connection.execute(text("INSERT INTO counts VALUES (1)"))
    second.join()
    assert numbers(database) == [1, 2]
    database.close()


def test_commit_that_need_not_be_durable_leaves_the_next_one_durable(counter: Database) -> None:
    def level(*, durable: bool) -> int:
        with counter.write(durable=durable) as connection:
            found: int = connection.exec_driver_sql("PRAGMA synchronous").scalar_one()
            return found

    full, normal = 2, 1
    levels = [level(durable=durable) for durable in (True, False, False, True)]
    with counter.read() as connection:
        writes_ahead = connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"
    relaxed = normal if writes_ahead else full  # without a log written ahead it could do damage
    assert levels == [full, relaxed, relaxed, full]
    counter.close()


KILLED_AT_WORK = """
import os, signal, sys, time
from datetime import UTC, datetime
from sqlalchemy import insert
from api.database import Database
from api.tables import sources

def work(first, count):
    for number in range(first, first + count):
        with database.write() as connection:
            for half in "ab":
                row = {"url": f"{number}{half}", "ref": "r", "state": "ok"}
                row["checked_at"] = datetime.now(UTC)
                connection.execute(insert(sources), [row])

database = Database(sys.argv[1])
work(0, 2)  # what takes its time at first does so here
database.close()
for number, milliseconds in enumerate(sys.argv[2:]):
    child = os.fork()
    if not child:
        work((number + 1) * 100_000, 10_000)
    time.sleep(int(milliseconds) / 1000)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
"""


def test_process_killed_in_a_transaction_leaves_all_of_it_or_nothing(
    settings: Settings, database: Database
) -> None:
    """Kill 200 writers at any moment: there are two rows of each transaction or none."""
    chance = random.Random(17)
    delays = [str(chance.randint(10, 50)) for _ in range(200)]
    script = [sys.executable, "-c", KILLED_AT_WORK, settings.database, *delays]
    environ = {"PATH": os.environ["PATH"]}
    assert subprocess.run(script, env=environ, check=False, timeout=200).returncode == 0
    with database.read() as connection:
        urls = list(connection.execute(text("SELECT url FROM sources")).scalars())
    assert check_integrity(database) == len(urls)
    assert len({url[:-1] for url in urls}) * 2 == len(urls) > 100
