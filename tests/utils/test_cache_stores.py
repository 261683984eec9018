import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from utils.cache import Store
from utils.cache_stores import FileStore, MemoryStore, journal_mode


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["memory", "file"])
def store(request: pytest.FixtureRequest, clock: Clock, tmp_path: Path) -> Store:
    if request.param == "memory":
        return MemoryStore(clock)
    return FileStore(tmp_path / "below" / "cache.sqlite", clock)


def test_values_expire(store: Store, clock: Clock) -> None:
    store.set("a", "1", 10)
    store.set("b", "2", 20)
    clock.now += 10
    assert (store.get("a"), store.get("b")) == (None, "2")


def test_a_new_value_takes_the_place_of_the_old(store: Store, clock: Clock) -> None:
    store.set("a", "1", 10)
    clock.now += 5
    store.set("a", "2", 10)
    clock.now += 9
    assert store.get("a") == "2"


def test_a_claim_ends_by_itself_and_cannot_be_given_back_by_another(
    store: Store, clock: Clock
) -> None:
    first = store.claim("a", 10)
    assert first is not None
    clock.now += 10
    second = store.claim("a", 10)
    assert second is not None
    store.release("a", first)
    assert store.claim("a", 10) is None
    store.release("a", second)
    assert store.claim("a", 10) is not None


def test_the_oldest_values_make_room() -> None:
    store = MemoryStore(most_characters=10)
    for key in ("a", "b", "c"):
        store.set(key, "xxxx", 60)
    assert [store.get(key) for key in ("a", "b", "c")] == [None, "xxxx", "xxxx"]
    store.set("d", "x" * 11, 60)
    assert [store.get(key) for key in ("b", "c", "d")] == [None, None, None]


def test_processes_share_a_file(
    tmp_path: Path, run_python: Callable[..., subprocess.Popen[str]]
) -> None:
    code = """
import sys
from contextlib import closing
from pathlib import Path
from utils.cache import Cache
from utils.cache_stores import FileStore
print(Cache("a", FileStore(Path(sys.argv[1]))).get_or_compute("x", lambda: sys.argv[2]))
"""
    started = [run_python(code, tmp_path / "c.sqlite", name) for name in ("one", "two", "three")]
    said = {process.communicate(timeout=60)[0] for process in started}
    assert len(said) == 1
    assert said <= {"one\n", "two\n", "three\n"}


def test_a_file_is_its_users_alone_and_its_journal_is_safe(tmp_path: Path) -> None:
    path = tmp_path / "cache.sqlite"
    path.touch(0o644)
    FileStore(path).set("key", '"value"', 60)
    assert path.stat().st_mode & 0o777 == 0o600
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA journal_mode").fetchone() != ("wal",) or (
            sqlite3.sqlite_version_info >= (3, 51, 3)
        )
    assert [journal_mode(version) for version in ((3, 51, 2), (3, 51, 3))] == ["TRUNCATE", "WAL"]
