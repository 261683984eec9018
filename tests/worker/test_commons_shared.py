import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from utils.token_bucket import Pace, bucket_name
from worker import commons_shared
from worker.commons_file import Whose
from worker.commons_shared import MachineShared

A, OTHER = Whose("first", "a"), Whose("second", "a")
PACE = Pace(20, 20)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def shared(tmp_path: Path, clock: Clock) -> Iterator[MachineShared]:
    one = MachineShared(tmp_path / "cache.sqlite", clock)
    yield one
    one.close()


def granted(shared: MachineShared, whose: Whose, name: str, most: int = 1000) -> int:
    async def count() -> int:
        waits = [await shared.reserve(whose, name, PACE, 0) for _ in range(most)]
        return sum(wait is not None for wait in waits)

    return asyncio.run(count())


def test_who_holds_a_credential_shares_its_bucket(shared: MachineShared, clock: Clock) -> None:
    name = bucket_name("https://h", "t")
    assert granted(shared, A, name) == 20
    assert granted(shared, OTHER, name) == 0
    for _ in range(5):
        clock.now += 1
        assert granted(shared, OTHER, name) == 20, "20 a second, exactly"


def test_who_names_many_buckets_forgets_its_own_alone(
    shared: MachineShared, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commons_shared, "MOST_BUCKETS", 5)
    name, private = bucket_name("https://h", "t"), bucket_name("https://h", "private")
    assert granted(shared, OTHER, name) == 20
    assert (granted(shared, A, name), granted(shared, A, private)) == (0, 20)
    for number in range(10):
        granted(shared, A, bucket_name("https://h", str(number)), most=1)
    assert granted(shared, A, private) == 20, "forgotten"
    assert granted(shared, A, name) == 0, "in use by another"


def test_one_computes_at_a_time(
    shared: MachineShared, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commons_shared, "MOST_CLAIMS", 3)

    async def course() -> None:
        token = await shared.claim(A, "k", 60)
        assert token
        assert await shared.claim(A, "k", 60) is None
        assert await shared.claim(OTHER, "k", 60)
        await shared.release(A, "k", "another")
        assert await shared.claim(A, "k", 60) is None
        clock.now += 60
        assert await shared.claim(A, "k", 60), "given up"
        await shared.release(A, "k", token)
        assert await shared.claim(A, "k", 60) is None, "it is another's now"
        for number in range(5):
            assert await shared.claim(A, f"k{number}", 60)
        assert len(shared._claims["first"]) == 3

    asyncio.run(course())


def test_a_file_that_breaks_meanwhile_is_begun_anew(shared: MachineShared, tmp_path: Path) -> None:
    async def course() -> None:
        assert await shared.set(A, "k", "v" * 5000, 60)
        (tmp_path / "cache.sqlite").write_bytes(b"damaged" * 10_000)
        for _ in range(2):
            await shared.get(A, "k")
        assert await shared.set(A, "k", "v", 60)
        assert await shared.get(A, "k") == "v"
        assert await shared.keys(A, "") == ["k"]
        assert await shared.drop(A, ["k"]) == 1

    asyncio.run(course())
