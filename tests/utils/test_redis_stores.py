"""Against a real server; what a store must do stands in test_cache, for each kind of store."""

import os
import pickle
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import redis

from utils.cache import Cache
from utils.redis_stores import RedisBuckets, RedisStore
from utils.token_bucket import Pace, TokenBucket


@pytest.fixture
def client(redis_port: int) -> Iterator[redis.Redis]:
    with redis.Redis(port=redis_port) as made:
        made.flushall()
        yield made


def test_values_expire_by_the_servers_clock(
    client: redis.Redis, eventually: Callable[[Callable[[], object]], None]
) -> None:
    store = RedisStore(client)
    store.set("a", "ä", 60)
    store.set("b", "2", 0.001)
    eventually(lambda: store.get("b") is None)
    assert store.get("a") == "ä"


def test_many_keys_are_dropped_and_no_others(client: redis.Redis) -> None:
    store = RedisStore(client)
    for number in range(1200):
        store.set(f"a:{number}", "1", 60)
    store.set("b:1", "1", 60)
    assert store.drop("a:*") == 1200
    assert store.get("b:1") == "1"


class Trap:
    """What makes a folder wherever it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self._folder),)


@pytest.mark.parametrize("protocol", [0, pickle.HIGHEST_PROTOCOL])
def test_what_another_program_left_is_refused_and_not_run(
    client: redis.Redis, tmp_path: Path, protocol: int
) -> None:
    cache = Cache("p", RedisStore(client))
    cache.set("a", 1)
    (name,) = client.keys()
    trap = pickle.dumps(Trap(tmp_path / "sprung"), protocol)
    client.set(name, trap)
    with pytest.raises(ValueError):  # noqa: PT011 - text that is none, or JSON that is none
        cache.get("a")
    assert not (tmp_path / "sprung").exists()
    pickle.loads(trap)
    assert (tmp_path / "sprung").exists()


def test_a_claim_cannot_be_given_back_by_another(client: redis.Redis) -> None:
    store = RedisStore(client)
    claim = store.claim("a", 60)
    assert claim is not None
    store.release("a", "other")
    assert store.claim("a", 60) is None
    store.release("a", claim)
    assert store.claim("a", 60) is not None


def test_all_that_share_it_share_a_bucket_exactly(client: redis.Redis) -> None:
    pace = Pace(10, 0.01)
    with ThreadPoolExecutor(8) as pool:
        waits = list(
            pool.map(
                lambda _: TokenBucket(pace, "name", RedisBuckets(client)).reserve(0.5), range(100)
            )
        )
    assert waits.count(0.0) == 10
    assert waits.count(None) == 90
    assert TokenBucket(pace, "other", RedisBuckets(client)).reserve(0) == 0.0


def test_a_promise_of_a_later_token_is_kept_in_mind(client: redis.Redis) -> None:
    bucket = TokenBucket(Pace(1, 0.1), "name", RedisBuckets(client))
    waits = [bucket.reserve(1000) for _ in range(3)]
    assert waits[0] == 0.0
    assert waits[1] == pytest.approx(10, abs=2)
    assert waits[2] == pytest.approx(20, abs=2)
    assert client.pttl("trueline:bucket:name") > 20_000


def test_processes_share_it(
    redis_port: int, client: redis.Redis, run_python: Callable[..., subprocess.Popen[str]]
) -> None:
    assert client.ping()
    code = """
import sys
import redis
from utils.redis_stores import RedisBuckets
from utils.token_bucket import Pace, TokenBucket
bucket = TokenBucket(Pace(20, 0.001), "x", RedisBuckets(redis.Redis(port=int(sys.argv[1]))))
print(sum(bucket.reserve(0) is not None for _ in range(20)))
"""
    started = [run_python(code, redis_port) for _ in range(3)]
    assert sum(int(process.communicate(timeout=60)[0]) for process in started) == 20
