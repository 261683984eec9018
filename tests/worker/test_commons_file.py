from collections.abc import Iterator
from pathlib import Path

import pytest

from worker import commons_file
from worker.commons_file import FileCache, Whose

A, B, OTHER = Whose("first", "a"), Whose("first", "b"), Whose("second", "a")


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cache(tmp_path: Path, clock: Clock) -> Iterator[FileCache]:
    opened = FileCache.open(tmp_path / "cache.sqlite", clock)
    yield opened
    opened.close()


def test_a_value_is_its_owners_and_ends(cache: FileCache, clock: Clock) -> None:
    assert cache.set(A, "k", "v", 60)
    assert [cache.get(whose, "k") for whose in (A, B, OTHER)] == ["v", None, None]
    clock.now += 60
    assert cache.get(A, "k") is None


def test_keys_come_in_their_order_page_by_page(
    cache: FileCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commons_file, "KEYS_AT_ONCE", 2)
    for key in ("c", "a", "b"):
        cache.set(A, key, "v", 60)
    cache.set(B, "d", "v", 60)
    assert [cache.keys(A, after) for after in ("", "b", "c")] == [["a", "b"], ["c"], []]
    assert cache.drop(A, ["a", "b", "none"]) == 2
    assert cache.keys(A, "") == ["c"]


def test_an_integration_has_its_room_and_no_more(
    tmp_path: Path, cache: FileCache, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commons_file, "MOST_BYTES", 100)
    monkeypatch.setattr(commons_file, "MOST_KEYS", 5)
    cache.set(OTHER, "k", "other", 1)
    for number in range(10):
        assert cache.set(A if number % 2 else B, f"k{number}", "x", 60 + number)
    assert cache.keys(A, "") + cache.keys(B, "") == ["k5", "k7", "k9", "k6", "k8"]
    assert cache.set(A, "k9", "x" * 60, 60)
    assert cache.set(A, "large", "x" * 60, 90)
    assert [cache.get(A, key) is None for key in ("k9", "large")] == [True, False]
    assert not cache.set(A, "large", "x" * 101, 60)
    assert cache.get(A, "large") is None, "an old value is not left in its place"
    assert cache.get(OTHER, "k") == "other"
    cache.close()
    again = FileCache.open(tmp_path / "cache.sqlite", clock)
    assert again._totals == {name: one for name, one in cache._totals.items() if one.keys}
    again.close()


def test_a_full_disk_keeps_nothing_and_breaks_nothing(cache: FileCache) -> None:
    cache._database.execute("PRAGMA max_page_count=8")
    assert cache.set(A, "small", "v", 60)
    assert not cache.set(A, "large", "x" * 100_000, 60)
    assert cache.get(A, "small") == "v"
    assert not cache.set(A, "lone", "\ud800", 60)


def test_a_damaged_file_is_begun_anew(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "damaged.sqlite"
    path.write_bytes(b"this is no database at all, and never was one" * 100)
    cache = FileCache.open(path, clock)
    assert cache.set(A, "k", "v", 60)
    cache.close()
    assert path.stat().st_mode & 0o777 == 0o600
