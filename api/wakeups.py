"""Wakes requests that wait for something; the database alone says what happened."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from api.problems import Unavailable

MOST_WAITS = 200  # each holds a thread of the server; see THREADS in api.server


class Watch:
    """One waiter's ear: start it before looking at the database, so that no wake is missed."""

    def __init__(self) -> None:
        self._woken = threading.Event()

    def wake(self) -> None:
        """Let the waiter look again."""
        self._woken.set()

    def wait(self, timeout_seconds: float) -> bool:
        """Wait until woken since the last wait; False when the time is over first."""
        woken = self._woken.wait(max(timeout_seconds, 0))
        self._woken.clear()
        return woken


class Wakeups:
    """The waiters by topic.

    A wake is only a hint: another process may have acted without one. A waiter looks at the
    database after every wait, and waits in bounded steps.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._watches: dict[str, set[Watch]] = {}
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether the server stops: waiters then answer with what they have."""
        return self._closed

    @contextmanager
    def watch(self, topic: str) -> Iterator[Watch]:
        """Listen to `topic`: look at the database, `wait`, look again, and so on.

        Raises Unavailable when too many requests wait already.
        """
        watch = self._add(topic)
        try:
            yield watch
        finally:
            self._forget(topic, watch)

    def wake(self, *topics: str) -> None:
        """Wake everyone who listens to one of `topics`; call it after the commit."""
        with self._lock:
            for topic in topics:
                for watch in self._watches.get(topic, ()):
                    watch.wake()

    def close(self) -> None:
        """Wake everyone for the last time: the server stops."""
        self._closed = True
        self.wake(*self._watches)

    def _add(self, topic: str) -> Watch:
        watch = Watch()
        with self._lock:
            if sum(map(len, self._watches.values())) >= MOST_WAITS:
                raise Unavailable(
                    f"{MOST_WAITS} requests wait already",
                    "ask again in a moment, or without waiting",
                    retry_after_seconds=5,
                )
            self._watches.setdefault(topic, set()).add(watch)
        return watch

    def _forget(self, topic: str, watch: Watch) -> None:
        with self._lock:
            self._watches[topic].discard(watch)
            if not self._watches[topic]:
                del self._watches[topic]
