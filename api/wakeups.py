"""Wakes requests that wait for something; the database alone says what happened."""

import threading
import time
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Protocol, TypeVar

from sqlalchemy.exc import SQLAlchemyError

from api.problems import Unavailable

T = TypeVar("T")


class Kind(StrEnum):
    """What a request may wait for."""

    WORK = "work"  # pending jobs
    END = "end"  # a job's end
    HISTORY = "history"  # a job's next events


@dataclass(frozen=True)
class Topic:
    """One thing to wait for; `job_id` is empty for work."""

    kind: Kind
    job_id: str = ""


WORK = Topic(Kind.WORK)
LIMITS: Mapping[Kind, int] = MappingProxyType({Kind.WORK: 64, Kind.END: 200, Kind.HISTORY: 64})
MOST_WAITS = sum(LIMITS.values())  # each holds a thread of the server; see THREADS in api.server
END_SECONDS = 5.0  # longer than a wait for changes, or the reading of marks, takes
ReadMarks = Callable[[Collection[Topic]], Mapping[Topic, Hashable]]


class Changes(Protocol):
    """Notices what other processes commit; one thread at a time uses it."""

    def wait(self) -> Collection[Topic] | None:
        """Wait for some of it, at most a second.

        Returns what has changed, as far as it is known without reading marks; None: read them.
        The first wait answers None at once.
        """

    def close(self) -> None:
        """Give back what it holds."""


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

    A wake in this process is heard at once. What another process commits is noticed by `changes`:
    while anybody waits, one thread waits for it and wakes whom it concerns. Where it is not told
    whom, that thread reads the marks of all topics, and a mark that has changed wakes.
    """

    def __init__(
        self,
        read_marks: ReadMarks,
        changes: Changes,
        limits: Mapping[Kind, int] = LIMITS,
        count: Callable[[Kind, int], object] = lambda *_: None,
    ) -> None:
        self._read_marks = read_marks
        self._changes = changes
        self._limits = limits
        self._count = count  # hears of each request that begins (1) and that ends (-1) to wait
        self._lock = threading.Lock()
        self._watches: dict[Topic, set[Watch]] = {}
        self._waiting = dict.fromkeys(Kind, 0)
        self._listener: threading.Thread | None = None
        self._last_listener: threading.Thread | None = None  # it may be at its last look
        self._stop = threading.Event()

    @property
    def closed(self) -> bool:
        """Whether the server stops: waiters then answer with what they have."""
        return self._stop.is_set()

    def pause(self, seconds: float) -> bool:
        """Wait for so long at most; True when the server stops."""
        return self._stop.wait(seconds)

    @contextmanager
    def watch(self, topic: Topic) -> Iterator[Watch]:
        """Listen to `topic`: look at the database, `wait`, look again, and so on.

        Raises Unavailable when too many requests wait for such a thing already.
        """
        watch = self.start_watch(topic)
        try:
            yield watch
        finally:
            self.end_watch(topic, watch)

    def wait_for(self, topic: Topic, look: Callable[[], T | None], seconds: float) -> T | None:
        """Return what `look` finds, as soon as it does; None after `seconds` or at the close."""
        end = time.monotonic() + seconds
        with self.watch(topic) as watch:
            while (found := look()) is None and not self.closed:
                left_seconds = end - time.monotonic()
                if left_seconds <= 0:
                    break
                watch.wait(left_seconds)
        return found

    def wake(self, *topics: Topic) -> None:
        """Wake everyone who listens to one of `topics`; call it after the commit."""
        with self._lock:
            for topic in topics:
                for watch in self._watches.get(topic, ()):
                    watch.wake()

    def wake_followers(self, *job_ids: str) -> None:
        """Wake everyone who waits for these jobs' next events; call it after the commit."""
        self.wake(*(Topic(Kind.HISTORY, id_) for id_ in job_ids))

    def wake_jobs(self, *job_ids: str) -> None:
        """Wake everyone who waits for news of these jobs; call it after the commit."""
        self.wake(*(Topic(kind, id_) for id_ in job_ids for kind in (Kind.END, Kind.HISTORY)))

    def close(self) -> None:
        """Wake everyone for the last time: the server stops."""
        self._stop.set()
        with self._lock:
            topics = list(self._watches)
        self.wake(*topics)

    def end(self) -> None:
        """Close, and give back what listening took; the database may be closed after that."""
        self.close()
        with self._lock:
            listener = self._last_listener
        if listener is not None:
            listener.join(END_SECONDS)
        self._changes.close()

    def start_watch(self, topic: Topic) -> Watch:
        """Begin what `watch` does; `end_watch` must follow."""
        watch = Watch()
        with self._lock:
            if self._waiting[topic.kind] >= self._limits[topic.kind]:
                raise Unavailable(
                    f"{self._limits[topic.kind]} requests wait here already for the same kind of "
                    f"thing ({topic.kind})",
                    "ask again in a few seconds, or without waiting",
                    retry_after_seconds=2,
                )
            if self._listener is None and not self.closed:
                self._start_listener()
            self._waiting[topic.kind] += 1
            self._count(topic.kind, 1)
            self._watches.setdefault(topic, set()).add(watch)
        return watch

    def end_watch(self, topic: Topic, watch: Watch) -> None:
        """Stop listening; doing it twice is doing it once."""
        with self._lock:
            watches = self._watches.get(topic, set())
            if watch in watches:
                watches.discard(watch)
                self._waiting[topic.kind] -= 1
                self._count(topic.kind, -1)
            if not watches:
                self._watches.pop(topic, None)

    def _start_listener(self) -> None:
        listener = threading.Thread(target=self._listen, name="wakeups", daemon=True)
        try:
            listener.start()
        except RuntimeError as error:
            raise Unavailable(
                f"this process cannot wait: {error}",
                "ask again in a few seconds; if it lasts, see what takes this machine's threads",
                retry_after_seconds=2,
            ) from error
        self._listener = self._last_listener = listener

    def _listen(self) -> None:
        marks: dict[Topic, Hashable] = {}
        while self._is_needed():
            changed = self._changes.wait()
            if changed is None:
                new = self._marks()
                changed = [
                    topic for topic in new if topic not in marks or new[topic] != marks[topic]
                ]
                marks = new
            self.wake(*changed)

    def _marks(self) -> dict[Topic, Hashable]:
        with self._lock:
            topics = list(self._watches)
        try:
            return dict(self._read_marks(topics))
        except SQLAlchemyError:  # each waiter meets it when it looks, and answers for it
            return {topic: object() for topic in topics}

    def _is_needed(self) -> bool:
        with self._lock:
            if self.closed or not self._watches:
                self._listener = None
            return self._listener is not None
