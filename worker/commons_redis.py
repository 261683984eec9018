"""What the jobs of all workers share, in Redis or Valkey; while that is away, their machine's.

The URL and its password stay in this process: jobs see neither.
"""

import asyncio
import hashlib
import secrets
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import structlog
from redis.asyncio import BlockingConnectionPool, Redis
from redis.exceptions import RedisError

from utils.redis_stores import BUCKET_PREFIX, RELEASE, RESERVE
from utils.token_bucket import Pace
from worker.commons_file import KEYS_AT_ONCE, MOST_BYTES, MOST_KEYS, Whose
from worker.commons_shared import Shared

ANSWER_SECONDS = 1.0
AWAY_SECONDS = 10.0  # until it is tried again
LONGEST_CLAIM_SECONDS = 300.0  # a worker that dies gives none back
MOST_CONNECTIONS = 16
_PREFIX = "trueline:commons:"
# An integration's values lie beside a list of their ends, their sizes, and the sum of those.
_SET = """
local value, ends, sizes, total = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local member, size = ARGV[1], tonumber(ARGV[3])
local most_bytes, most_keys = tonumber(ARGV[5]), tonumber(ARGV[6])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function remove(one)
  redis.call('DEL', ARGV[7] .. one)
  redis.call('ZREM', ends, one)
  redis.call('DECRBY', total, redis.call('HGET', sizes, one) or 0)
  redis.call('HDEL', sizes, one)
end
for _, one in ipairs(redis.call('ZRANGEBYSCORE', ends, '-inf', now, 'LIMIT', 0, 1000)) do
  remove(one)
end
if redis.call('HEXISTS', sizes, member) == 1 then remove(member) end
while redis.call('ZCARD', ends) >= most_keys
    or (tonumber(redis.call('GET', total) or '0') + size > most_bytes
        and redis.call('ZCARD', ends) > 0) do
  remove(redis.call('ZRANGE', ends, 0, 0)[1])
end
redis.call('SET', value, ARGV[2], 'PX', ARGV[4])
redis.call('ZADD', ends, now + tonumber(ARGV[4]), member)
redis.call('HSET', sizes, member, size)
redis.call('INCRBY', total, size)
return 1
"""
_DROP = """
local value, ends, sizes, total = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local size = redis.call('HGET', sizes, ARGV[1])
if not size then return 0 end
redis.call('ZREM', ends, ARGV[1])
redis.call('DECRBY', total, size)
redis.call('HDEL', sizes, ARGV[1])
return redis.call('DEL', value)
"""

T = TypeVar("T")
log = structlog.get_logger()


class RedisShared:
    """Asks Redis, and its stand-in while that does not answer; says so once each time."""

    def __init__(
        self, url_file: Path, stand_in: Shared, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._url_file = url_file
        self._stand_in = stand_in
        self._clock = clock
        self._redis: Redis | None = None
        self._away_until = float("-inf")
        self._is_away = False

    async def reserve(self, whose: Whose, name: str, pace: Pace, longest: float) -> float | None:
        """Return the seconds until a token is there, or None."""
        limits = (pace.capacity, pace.refill_per_second, longest)

        async def ask(redis: Redis) -> float | None:
            answer = await _run(redis, "EVAL", RESERVE, 1, BUCKET_PREFIX + name, *limits)
            return float(answer) if answer else None

        return await self._asked(ask, lambda: self._stand_in.reserve(whose, name, pace, longest))

    async def get(self, whose: Whose, key: str) -> str | None:
        """Return a value that has not expired."""

        async def ask(redis: Redis) -> str | None:
            found = await _run(redis, "GET", _Places(whose).value(key))
            return None if found is None else str(found.decode("utf-8", "replace"))

        return await self._asked(ask, lambda: self._stand_in.get(whose, key))

    async def set(self, whose: Whose, key: str, value: str, ttl_seconds: float) -> bool:
        """Keep a value; False when it cannot be kept."""
        text, places = value.encode("utf-8", "replace"), _Places(whose)
        milliseconds = max(1, round(ttl_seconds * 1000))
        bounds = (MOST_BYTES, MOST_KEYS, places.values)
        more = (places.member(key), text, len(text), milliseconds, *bounds)

        async def ask(redis: Redis) -> bool:
            return bool(await _run(redis, "EVAL", _SET, 4, *places.of(key), *more))

        return await self._asked(ask, lambda: self._stand_in.set(whose, key, value, ttl_seconds))

    async def keys(self, whose: Whose, after: str) -> list[str]:
        """Return the next keys in their order."""
        places = _Places(whose)

        async def ask(redis: Redis) -> list[str]:
            members = await _run(redis, "ZRANGE", places.ends, 0, -1)
            mine = sorted(one.decode() for one in members if one.startswith(places.scope))
            keys = [one[len(places.scope) :] for one in mine]
            return [key for key in keys if key > after][:KEYS_AT_ONCE]

        return await self._asked(ask, lambda: self._stand_in.keys(whose, after))

    async def drop(self, whose: Whose, keys: list[str]) -> int:
        """Forget keys; return how many were there."""
        places = _Places(whose)

        async def ask(redis: Redis) -> int:
            dropped = 0
            for key in keys:
                where = (*places.of(key), places.member(key))
                dropped += int(await _run(redis, "EVAL", _DROP, 4, *where))
            return dropped

        return await self._asked(ask, lambda: self._stand_in.drop(whose, keys))

    async def claim(self, whose: Whose, key: str, seconds: float) -> str | None:
        """Return a token when nobody else computes this key now."""
        token, until = secrets.token_hex(8), round(min(seconds, LONGEST_CLAIM_SECONDS) * 1000)

        async def ask(redis: Redis) -> str | None:
            name = _Places(whose).claim(key)
            taken = await _run(redis, "SET", name, token, "NX", "PX", max(1, until))
            return token if taken else None

        return await self._asked(ask, lambda: self._stand_in.claim(whose, key, seconds))

    async def release(self, whose: Whose, key: str, token: str) -> None:
        """Give a claim back, where it is still one's own."""

        async def ask(redis: Redis) -> None:
            await _run(redis, "EVAL", RELEASE, 1, _Places(whose).claim(key), token)

        await self._asked(ask, lambda: self._stand_in.release(whose, key, token))
        await self._stand_in.release(whose, key, token)  # it may be of the time before

    async def _asked(
        self, ask: Callable[[Redis], Awaitable[T]], stand_in: Callable[[], Awaitable[T]]
    ) -> T:
        if self._clock() < self._away_until:
            return await stand_in()
        try:
            # All that wait at the same time wait for the same; nobody tries again by himself.
            async with asyncio.timeout(ANSWER_SECONDS):
                answer = await ask(self._client())
        except (RedisError, OSError, ValueError, TimeoutError) as error:
            await self._note_away(error)
            return await stand_in()
        if self._is_away:
            self._is_away = False
            log.info("redis is back")
        return answer

    def _client(self) -> Redis:
        if self._redis is None:
            url = self._url_file.read_text(encoding="utf-8").strip()
            pool = BlockingConnectionPool.from_url(
                url,
                max_connections=MOST_CONNECTIONS,
                timeout=ANSWER_SECONDS,
                socket_timeout=ANSWER_SECONDS,
                socket_connect_timeout=ANSWER_SECONDS,
            )
            self._redis = Redis.from_pool(pool)
        return self._redis

    async def aclose(self) -> None:
        """Close the connections; a later request opens new ones."""
        gone, self._redis = self._redis, None
        if gone is not None:
            with suppress(RedisError, OSError, TimeoutError):
                async with asyncio.timeout(ANSWER_SECONDS):
                    await gone.aclose()

    async def _note_away(self, error: Exception) -> None:
        self._away_until = self._clock() + AWAY_SECONDS
        await self.aclose()  # its URL may have changed meanwhile
        if not self._is_away:
            self._is_away = True
            log.warning(
                "redis is away",
                reason=type(error).__name__,  # its text may quote the URL
                advice="see TRUELINE_REDIS_URL_FILE and its server; until then the jobs of each "
                "machine share their rate limits and cache among themselves",
            )


class _Places:
    """The names in Redis of what one integration keeps; in one slot where there is a cluster."""

    def __init__(self, whose: Whose) -> None:
        tag = hashlib.sha256(whose.integration.encode()).hexdigest()[:32]
        base = f"{_PREFIX}{{{tag}}}:"
        self.values = f"{base}value:"
        self.ends = f"{base}ends"
        self._sizes, self._total, self._claims = f"{base}sizes", f"{base}total", f"{base}claim:"
        self._scope = f"{whose.scope}:"

    @property
    def scope(self) -> bytes:
        return self._scope.encode()

    def member(self, key: str) -> str:
        return self._scope + key

    def value(self, key: str) -> str:
        return self.values + self.member(key)

    def claim(self, key: str) -> str:
        return self._claims + self.member(key)

    def of(self, key: str) -> tuple[str, str, str, str]:
        return self.value(key), self.ends, self._sizes, self._total


async def _run(redis: Any, *command: Any) -> Any:
    return await redis.execute_command(*command)  # which the library left without types
