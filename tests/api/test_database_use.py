import subprocess
import sys
from pathlib import Path

import pytest

from api.database import Database
from api.database_use import DatabaseInUseError, Neighbours, alone, check_alone, share
from tests.postgres import PostgreSQL


def test_apis_share_a_file_that_nobody_may_replace_meanwhile(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'test.db'}")
    one, two = share(database), share(database)
    assert one is not None
    assert two is not None
    one.close()
    with pytest.raises(DatabaseInUseError, match=r"test\.db is in use"), alone(database):
        pass
    two.close()
    with alone(database):
        pass


def test_api_does_not_start_while_its_file_is_replaced(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'test.db'}")
    with alone(database), pytest.raises(DatabaseInUseError, match="being restored"):
        share(database)


def test_place_that_is_not_there_is_left_for_sqlite_to_tell(tmp_path: Path) -> None:
    assert share(Database(f"sqlite:///{tmp_path / 'no' / 'test.db'}")) is None


def test_postgresql_names_who_is_connected(postgresql: PostgreSQL) -> None:
    name = postgresql.create()
    database, other = (Database(postgresql.url(name)) for _ in range(2))
    assert share(database) is None
    with alone(database), database.read() as connection:
        check_alone(connection)
        with (
            other.read(),
            pytest.raises(DatabaseInUseError, match="in use by trueline"),
        ):
            check_alone(connection)
    for one in (database, other):
        one.close()
    postgresql.drop(name)


def test_apis_of_one_file_know_of_each_other_and_of_no_others(tmp_path: Path) -> None:
    databases = [Database(f"sqlite:///{tmp_path / name}") for name in ("a.db", "a.db", "b.db")]
    here, there, elsewhere = (Neighbours(database) for database in databases)
    assert (here.are_there(), there.are_there(), elsewhere.are_there()) == (True, True, False)
    there.close()
    assert not here.are_there()
    code = (
        "import sys; from api.database import Database; from api.database_use import Neighbours;"
        "print(Neighbours(Database(sys.argv[1])).are_there())"
    )
    url = f"sqlite:///{tmp_path / 'a.db'}"
    ran = subprocess.run([sys.executable, "-c", code, url], capture_output=True, check=True)
    assert ran.stdout == b"True\n"
    for neighbours in (here, elsewhere):
        neighbours.close()
    for database in databases:
        database.close()


def test_api_whose_neighbours_cannot_be_told_takes_them_to_be_there(tmp_path: Path) -> None:
    unwritable = Database(f"sqlite:///{tmp_path / 'missing' / 'a.db'}")
    assert Neighbours(unwritable).are_there()
    unwritable.close()
