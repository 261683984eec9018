import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import redis

from utils.cache import Cache, Store
from utils.cache_stores import FileStore, MemoryStore
from utils.errors import InvalidResult
from utils.redis_stores import RedisStore


@pytest.fixture(params=["memory", "file", "redis"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "redis":
        with redis.Redis(port=request.getfixturevalue("redis_port")) as client:
            client.flushall()
            yield RedisStore(client)
    elif request.param == "file":
        yield FileStore(tmp_path / "cache.sqlite")
    else:
        yield MemoryStore()


def test_a_value_comes_back_as_a_copy(store: Store) -> None:
    cache = Cache("github", store)
    value = {"names": ["ä", None, 1.5]}
    cache.set("repos:acme", value)
    found = cache.get("repos:acme")
    assert found == value
    found["names"].clear()
    assert cache.get("repos:acme") == value
    assert store.get("github:repos:acme") is not None


def test_none_can_be_kept(store: Store) -> None:
    cache = Cache("a", store)
    cache.set("x", None)
    assert cache.get("x", "missing") is None
    assert cache.get("y", "missing") == "missing"
    assert cache.get_or_compute("x", lambda: "computed") is None


def test_prefixes_are_apart_and_patterns_drop_what_they_mean(store: Store) -> None:
    first, second = Cache("a", store), Cache("b", store)
    for cache in (first, second):
        for key in ("repos:x", "repos:y", "users:x"):
            cache.set(key, key)
    assert first.drop("repos:*") == 2
    assert [first.get(key) for key in ("repos:x", "repos:y", "users:x")] == [None, None, "users:x"]
    assert second.get("repos:x") == "repos:x"


def test_parts_of_a_key_cannot_pass_for_others() -> None:
    assert Cache.key("repos", "acme", 7) == "repos:acme:7"
    assert Cache.key("a:b", "c") != Cache.key("a", "b:c") != Cache.key("a", "b", "c")
    assert "*" not in Cache.key("*")


def test_of_many_one_computes(store: Store) -> None:
    computed, together = [], threading.Barrier(8)

    def compute() -> str:
        computed.append(1)
        waiting.wait(0.1)
        return "value"

    def ask(_: int) -> object:
        together.wait(20)
        return Cache("a", store).get_or_compute("x", compute)

    waiting = threading.Event()
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(8))) == ["value"] * 8
    assert len(computed) == 1


def test_what_fails_is_not_kept_and_the_next_one_tries(store: Store) -> None:
    cache = Cache("a", store)

    def fail() -> None:
        raise LookupError

    with pytest.raises(LookupError):
        cache.get_or_compute("x", fail)
    assert cache.get_or_compute("x", lambda: 2) == 2


def test_who_waits_looks_again_until_the_claim_is_over(
    store: Store, eventually: Callable[[Callable[[], object]], None]
) -> None:
    claim = store.claim("a:x", 60)
    assert claim is not None
    assert store.claim("a:x", 60) is None
    looked: list[float] = []

    def look(seconds: float) -> None:
        looked.append(seconds)
        if len(looked) == 3:
            store.release("a:x", claim)

    assert Cache("a", store, look).get_or_compute("x", lambda: 1) == 1
    assert len(looked) == 3
    eventually(lambda: store.claim("a:x", 60))


@pytest.mark.parametrize("value", [float("nan"), object(), b"x"])
def test_what_json_cannot_hold_is_refused(store: Store, value: object) -> None:
    with pytest.raises(InvalidResult, match="cache key 'x'"):
        Cache("a", store).set("x", value)
