"""What the jobs of all workers share, in a real Valkey: counted, bounded, and without it."""

import asyncio
import json
import socket
import time
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import pytest
import structlog

from utils.settings import Settings
from utils.token_bucket import Pace, bucket_name
from worker import commons_redis
from worker.commons import Commons
from worker.commons_file import Whose
from worker.commons_redis import RedisShared
from worker.commons_shared import MachineShared

T = TypeVar("T")


@pytest.fixture
def url_file(tmp_path: Path, redis_port: int) -> Path:
    path = tmp_path / "redis.url"
    path.write_text(f"redis://127.0.0.1:{redis_port}/0\n")
    return path


@pytest.fixture
def whose() -> Whose:
    return Whose(uuid4().hex, "a")


@pytest.fixture
def shared(url_file: Path, tmp_path: Path) -> Iterator[RedisShared]:
    machine = MachineShared(tmp_path / "cache.sqlite")
    yield RedisShared(url_file, machine)
    machine.close()


def run(shared: RedisShared, course: Coroutine[Any, Any, T]) -> T:
    async def closed() -> T:
        try:
            return await course
        finally:
            await shared.aclose()

    return asyncio.run(closed())


@pytest.fixture
def two_workers(tmp_path: Path, url_file: Path) -> Iterator[list[Commons]]:
    settings = [
        Settings.model_validate({"data_dir": tmp_path / name, "redis_url_file": url_file})
        for name in ("one", "two")
    ]
    with closing(Commons.start(settings[0])) as one, closing(Commons.start(settings[1])) as two:
        yield [one, two]


def asked(commons: Commons, integration: str, *requests: dict[str, Any]) -> list[Any]:
    line = commons.line(integration, {})
    assert isinstance(line, socket.socket)
    answers = []
    with line, line.makefile("rwb") as file:
        line.settimeout(60)
        for request in requests:
            file.write(json.dumps(request).encode() + b"\n")
            file.flush()
            answers.append(json.loads(file.readline()))
    return answers


def grants(workers: list[Commons], pace: Pace, longest: float) -> int:
    """Have eight jobs of two workers ask forty times each; return how often they got a token."""
    name = bucket_name("https://h", uuid4().hex)
    limits = {"capacity": pace.capacity, "refill": pace.refill_per_second, "longest": longest}
    request = {"do": "reserve", "name": name, **limits}

    def take(number: int) -> int:
        answers = asked(workers[number % 2], f"i{number}", *[request] * 40)
        return sum(one["wait"] is not None for one in answers)

    with ThreadPoolExecutor(8) as pool:
        return sum(pool.map(take, range(8)))


def test_two_workers_hand_out_exactly_what_one_bucket_has(two_workers: list[Commons]) -> None:
    assert grants(two_workers, Pace(20, 1e-6), 0) == 20


def test_two_workers_keep_to_twenty_a_second(two_workers: list[Commons]) -> None:
    began = time.monotonic()
    granted = grants(two_workers, Pace(20, 20), 4)
    seconds = time.monotonic() - began
    # 20 at once, 20 for each second that may be waited, and what was refilled while they asked.
    assert min(320, 100) <= granted <= 100 + 20 * seconds + 1


def test_two_workers_share_values_and_claims(two_workers: list[Commons], whose: Whose) -> None:
    one, two = two_workers
    name = whose.integration
    kept = {"do": "set", "key": "k", "value": '"é"', "ttl": 60}
    assert asked(one, name, kept) == [{"kept": True}]
    get = {"do": "get", "key": "k"}
    assert asked(two, name, get, {"do": "keys"}) == [{"value": '"é"'}, {"keys": ["k"]}]
    assert asked(two, f"{name}x", get, {"do": "keys"}) == [{"value": None}, {"keys": []}]
    assert asked(two, name, {"do": "drop", "keys": ["k", "none"]}) == [{"dropped": 1}]
    assert asked(one, name, get) == [{"value": None}]


def test_a_claim_is_one_workers(shared: RedisShared, whose: Whose) -> None:
    async def course() -> None:
        token = await shared.claim(whose, "k", 60)
        assert token
        assert await shared.claim(whose, "k", 60) is None
        await shared.release(whose, "k", "another")
        assert await shared.claim(whose, "k", 60) is None
        await shared.release(whose, "k", token)
        assert await shared.claim(whose, "k", 60)

    run(shared, course())


def test_an_integration_has_its_room_and_no_more(
    shared: RedisShared, whose: Whose, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commons_redis, "MOST_BYTES", 100)
    monkeypatch.setattr(commons_redis, "MOST_KEYS", 5)

    async def course() -> None:
        other = Whose(f"{whose.integration}x", "a")
        await shared.set(other, "k", "other", 60)
        for number in range(10):
            assert await shared.set(whose, f"k{number}", "x", 60 + number)
        assert await shared.keys(whose, "") == [f"k{number}" for number in range(5, 10)]
        assert await shared.keys(whose, "k7") == ["k8", "k9"]
        await shared.set(whose, "k9", "x" * 60, 60)
        await shared.set(whose, "large", "x" * 60, 90)
        assert await shared.get(whose, "k9") is None
        assert await shared.get(whose, "large") == "x" * 60
        assert await shared.get(other, "k") == "other"

    run(shared, course())


def test_more_jobs_than_connections_wait_for_one(shared: RedisShared, whose: Whose) -> None:
    async def course() -> list[bool]:
        sets = (shared.set(whose, f"k{number}", "v", 60) for number in range(100))
        return await asyncio.gather(*sets)

    with structlog.testing.capture_logs() as logs:
        assert all(run(shared, course()))
    assert not logs


def test_redis_away_is_told_once_and_the_machine_stands_in(
    shared: RedisShared, url_file: Path, redis_port: int, free_port: int, whose: Whose
) -> None:
    url_file.write_text(f"redis://:s3cr3t@127.0.0.1:{free_port}/0")
    name, pace = bucket_name("https://h", "t"), Pace(2, 0.001)
    now = [0.0]
    shared._clock = lambda: now[0]

    async def away() -> None:
        assert await shared.set(whose, "k", "machine's", 60)
        granted = [await shared.reserve(whose, name, pace, 0) for _ in range(4)]
        assert granted == [0.0, 0.0, None, None]
        now[0] += 11
        assert await shared.get(whose, "k") == "machine's"

    with structlog.testing.capture_logs() as logs:
        run(shared, away())
        url_file.write_text(f"redis://127.0.0.1:{redis_port}/0")
        now[0] += 11
        assert run(shared, shared.get(whose, "k")) is None
    assert [one["event"] for one in logs] == ["redis is away", "redis is back"]
    assert "s3cr3t" not in str(logs)


@pytest.mark.parametrize("content", ["", "no url", "redis://[", "http://h", "redis://h:port/0"])
def test_a_url_that_is_none_is_redis_away(
    shared: RedisShared, url_file: Path, whose: Whose, content: str
) -> None:
    url_file.write_text(content)
    with structlog.testing.capture_logs() as logs:
        assert run(shared, shared.set(whose, "k", "v", 60))
    assert [one["event"] for one in logs] == ["redis is away"]


def test_a_redis_that_says_nothing_is_away(
    shared: RedisShared, url_file: Path, whose: Whose, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commons_redis, "ANSWER_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url_file.write_text(f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        with structlog.testing.capture_logs() as logs:
            assert run(shared, shared.claim(whose, "k", 60))
    assert [one["event"] for one in logs] == ["redis is away"]
