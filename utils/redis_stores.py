"""Cache and token buckets in Redis or Valkey, for all that share one: jobs, machines, workers.

The client is the caller's: an integration that uses this has `redis` in its requirements.
"""

import secrets
from typing import Any, Protocol

from utils.token_bucket import Pace

BUCKET_PREFIX = "trueline:bucket:"
_CLAIM_PREFIX = "trueline:claim:"
_PAGE = 500
# The server's clock is everybody's. What a bucket held is forgotten once it is full again.
RESERVE = """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local capacity, refill, longest = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local kept = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens = capacity
if kept[1] then
  tokens = math.min(capacity, kept[1] + math.max(0, now - kept[2]) * refill)
end
local wait = math.max(0, (1 - tokens) / refill)
if wait > longest then return '' end
tokens = tokens - 1
redis.call('HSET', KEYS[1], 'tokens', tostring(tokens), 'at', string.format('%.6f', now))
redis.call('PEXPIRE', KEYS[1], math.ceil((capacity - tokens) / refill * 1000) + 1000)
return tostring(wait)
"""
RELEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""


class Client(Protocol):
    """A client of the package `redis`, as far as it is needed here."""

    def execute_command(self, *args: Any) -> Any:
        """Send one command and return its answer."""


class RedisBuckets:
    """Token buckets that everybody with the same Redis shares."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def reserve(self, name: str, pace: Pace, longest_seconds: float) -> float | None:
        """Return the seconds until a token is there, or None."""
        key = BUCKET_PREFIX + name
        limits = (pace.capacity, pace.refill_per_second, longest_seconds)
        answer = _text(self._client.execute_command("EVAL", RESERVE, 1, key, *limits))
        return float(answer) if answer else None


class RedisStore:
    """Values of a cache that everybody with the same Redis shares."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def get(self, key: str) -> str | None:
        """Return a value that has not expired."""
        return _text(self._client.execute_command("GET", key))

    def set(self, key: str, value: str, ttl_seconds: float) -> None:
        """Keep a value."""
        self._client.execute_command("SET", key, value, "PX", _milliseconds(ttl_seconds))

    def drop(self, pattern: str) -> int:
        """Forget each key that a pattern means."""
        dropped, cursor = 0, "0"
        while True:
            answer = self._client.execute_command("SCAN", cursor, "MATCH", pattern, "COUNT", _PAGE)
            if answer[1]:
                dropped += int(self._client.execute_command("DEL", *answer[1]))
            cursor = _text(answer[0]) or "0"
            if cursor == "0":
                return dropped

    def claim(self, key: str, seconds: float) -> str | None:
        """Return a token when nobody else computes this key now."""
        token, until = secrets.token_hex(8), _milliseconds(seconds)
        name = _CLAIM_PREFIX + key
        taken = self._client.execute_command("SET", name, token, "NX", "PX", until)
        return token if taken else None

    def release(self, key: str, token: str) -> None:
        """Give a claim back, where it is still one's own."""
        self._client.execute_command("EVAL", RELEASE, 1, _CLAIM_PREFIX + key, token)


def _milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1000))


def _text(value: Any) -> str | None:
    if value is None:
        return None
    return value.decode() if isinstance(value, bytes) else str(value)
