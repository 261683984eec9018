"""A cache: keys of the form `prefix:key:pattern`, a time to live, one computation at a time."""

import json
import time
from collections.abc import Callable
from typing import Any, Protocol

from utils.deadline import Deadline, seconds_left
from utils.errors import InvalidResult

TTL_SECONDS = 300.0
CLAIM_SECONDS = 60.0  # then a computation counts as given up, and somebody else may begin
LOOK_SECONDS = 0.05


class Store(Protocol):
    """Where values are kept as text; safe from threads, and from processes where it is shared."""

    def get(self, key: str) -> str | None:
        """Return a value that has not expired."""

    def set(self, key: str, value: str, ttl_seconds: float) -> None:
        """Keep a value."""

    def drop(self, pattern: str) -> int:
        """Forget each key that a pattern (with `*`, `?`, `[...]`) means; return how many."""

    def claim(self, key: str, seconds: float) -> str | None:
        """Return a token when nobody else computes this key now; it holds so long at most."""

    def release(self, key: str, token: str) -> None:
        """Give a claim back, where it is still one's own."""


class Cache:
    """What one prefix names in a store. Values are JSON: what comes back is a copy.

    >>> cache = Cache("github", MemoryStore())
    >>> cache.get_or_compute(cache.key("repos", "acme"), lambda: fetch("acme"), 600)
    """

    def __init__(
        self,
        prefix: str,
        store: Store,
        sleep: Callable[[float], None] = time.sleep,
        deadline: Deadline | None = None,
    ) -> None:
        self._deadline = deadline  # of its task, in threads that this has started
        self._prefix = prefix
        self._store = store
        self._sleep = sleep

    @staticmethod
    def key(*parts: object) -> str:
        """Join parts with colons; a colon, blank or star inside a part is escaped."""
        return ":".join(_escaped(str(part)) for part in parts)

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value of a key, or the default where it is missing or has expired."""
        text = self._store.get(self._name(key))
        return default if text is None else json.loads(text)

    def set(self, key: str, value: Any, ttl_seconds: float = TTL_SECONDS) -> None:
        """Keep a value for so long."""
        self._store.set(self._name(key), _text_of(key, value), ttl_seconds)

    def drop(self, pattern: str) -> int:
        """Forget what a pattern such as `repos:*` means; return how many keys that were."""
        return self._store.drop(self._name(pattern))

    def get_or_compute(
        self, key: str, compute: Callable[[], Any], ttl_seconds: float = TTL_SECONDS
    ) -> Any:
        """Return the value of a key, computed where it is missing.

        Of many that want it at once one computes, the others wait for it. What `compute` raises is
        raised here, and the next one tries. Nothing is kept then.
        """
        name = self._name(key)
        while True:
            text = self._store.get(name)
            if text is not None:
                return json.loads(text)
            claim = self._store.claim(name, self._claim_seconds())
            if claim is None:
                self._sleep(LOOK_SECONDS)
                continue
            try:
                return self._computed(name, key, compute, ttl_seconds)
            finally:
                self._store.release(name, claim)

    def _computed(self, name: str, key: str, compute: Callable[[], Any], ttl_seconds: float) -> Any:
        text = self._store.get(name)  # somebody may have computed it just before the claim
        if text is None:
            text = _text_of(key, compute())
            self._store.set(name, text, ttl_seconds)
        return json.loads(text)

    def _claim_seconds(self) -> float:
        left = seconds_left(self._deadline)
        return CLAIM_SECONDS if left is None else max(1.0, left)

    def _name(self, key: str) -> str:
        return f"{self._prefix}:{key}"


def _text_of(key: str, value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidResult(f"cache key {key!r}", str(error), "keep what JSON can hold") from error


def _escaped(part: str) -> str:
    return "".join(f"%{ord(one):02x}" if one in ":*?[]% \n" else one for one in part)
