import threading
import time
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from sqlalchemy.exc import OperationalError

from api.problems import Unavailable
from api.wakeups import WORK, Kind, Topic, Wakeups

if TYPE_CHECKING:
    from tests.conftest import NoMoreThreads

JOB = Topic(Kind.END, "j")
LONG = 60.0


class Marks:
    """What another process would have written."""

    def __init__(self) -> None:
        self.mark: Hashable = 0
        self.reads = 0
        self.broken = False
        self.told: list[Topic] | None = None
        self.closes = 0
        self.is_reading = False

    def wait(self) -> Collection[Topic] | None:
        time.sleep(0.01)
        return self.told

    def close(self) -> None:
        self.closes += 1

    def read(self, topics: Collection[Topic]) -> Mapping[Topic, Hashable]:
        self.reads += 1
        self.is_reading = True
        time.sleep(0.01)
        self.is_reading = False
        if self.broken:
            raise OperationalError("SELECT", {}, Exception("away"))
        return dict.fromkeys(topics, self.mark)


@pytest.fixture
def marks() -> Marks:
    return Marks()


@pytest.fixture
def wakeups(marks: Marks) -> Iterator[Wakeups]:
    wakeups = Wakeups(marks.read, marks)
    yield wakeups
    wakeups.end()


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.005)


def test_what_is_there_already_is_found_without_waiting(wakeups: Wakeups) -> None:
    assert wakeups.wait_for(JOB, lambda: "found", 0) == "found"


def test_a_wait_ends_with_its_time(wakeups: Wakeups) -> None:
    assert wakeups.wait_for(JOB, lambda: None, 0.01) is None


def test_a_wake_is_heard_by_everyone_who_waits_for_its_topic(wakeups: Wakeups) -> None:
    happened = threading.Event()
    looks = threading.Semaphore(0)

    def look() -> bool | None:
        looks.release()
        return True if happened.is_set() else None

    with ThreadPoolExecutor(10) as pool:
        waits = [pool.submit(wakeups.wait_for, JOB, look, LONG) for _ in range(10)]
        for _ in range(10):
            assert looks.acquire(timeout=20)
        happened.set()
        wakeups.wake_jobs("j")
        assert [wait.result(20) for wait in waits] == [True] * 10


def test_a_wake_between_the_look_and_the_wait_is_not_missed(wakeups: Wakeups) -> None:
    looks = 0

    def look() -> int | None:
        nonlocal looks
        looks += 1
        wakeups.wake(JOB)
        return looks if looks == 5 else None

    assert wakeups.wait_for(JOB, look, LONG) == 5


def test_what_another_process_did_is_noticed(wakeups: Wakeups, marks: Marks) -> None:
    with ThreadPoolExecutor(1) as pool:
        wait = pool.submit(wakeups.wait_for, JOB, lambda: marks.mark or None, LONG)
        until(lambda: marks.reads >= 3)
        marks.mark = "changed"
        assert wait.result(20) == "changed"


def test_what_is_told_by_name_wakes_without_reading_marks(wakeups: Wakeups, marks: Marks) -> None:
    marks.told = []
    looks = threading.Semaphore(0)
    ended = threading.Event()

    def look() -> bool | None:
        looks.release()
        return ended.is_set() or None

    with ThreadPoolExecutor(1) as pool:
        wait = pool.submit(wakeups.wait_for, JOB, look, LONG)
        assert looks.acquire(timeout=20)
        ended.set()
        marks.told = [WORK]
        assert not looks.acquire(timeout=0.1)
        marks.told = [JOB]
        assert wait.result(20)
    assert marks.reads == 0


def test_after_the_end_nobody_uses_the_database(marks: Marks) -> None:
    idle, busy = Wakeups(marks.read, marks), Wakeups(marks.read, marks)
    idle.end()
    assert marks.closes == 1
    with busy.watch(JOB):
        until(lambda: marks.is_reading)
        busy.end()
    assert (marks.closes, marks.is_reading) == (2, False)


def test_a_database_that_is_away_lets_every_waiter_look_for_itself(
    wakeups: Wakeups, marks: Marks
) -> None:
    marks.broken = True
    looks = 0

    def look() -> bool | None:
        nonlocal looks
        looks += 1
        return True if looks > 3 else None

    assert wakeups.wait_for(JOB, look, LONG)


def test_one_thread_listens_for_all_and_only_while_somebody_waits(
    wakeups: Wakeups, marks: Marks
) -> None:
    assert wakeups._listener is None
    with wakeups.watch(JOB), wakeups.watch(WORK):
        listener = wakeups._listener
        until(lambda: marks.reads >= 2)
        with wakeups.watch(JOB):
            assert wakeups._listener is listener
    until(lambda: wakeups._listener is None)
    assert listener is not None
    listener.join(20)
    assert not listener.is_alive()
    with wakeups.watch(JOB):
        assert wakeups._listener is not None


def test_the_close_lets_every_wait_end(wakeups: Wakeups) -> None:
    with ThreadPoolExecutor(5) as pool:
        waiting = threading.Semaphore(0)
        waits = [
            pool.submit(wakeups.wait_for, topic, waiting.release, LONG)
            for topic in (JOB, JOB, WORK, Topic(Kind.HISTORY, "j"), Topic(Kind.END, "k"))
        ]
        for _ in waits:
            assert waiting.acquire(timeout=20)
        wakeups.close()
        assert [wait.result(20) for wait in waits] == [None] * 5
    assert wakeups.wait_for(JOB, lambda: None, LONG) is None


def test_too_many_waits_of_a_kind_are_refused_with_when_to_come_again(marks: Marks) -> None:
    wakeups = Wakeups(marks.read, marks, {Kind.WORK: 1, Kind.END: 2, Kind.HISTORY: 1})
    with wakeups.watch(JOB), wakeups.watch(Topic(Kind.END, "k")):
        with pytest.raises(Unavailable) as refused, wakeups.watch(JOB):
            pass
        assert refused.value.retry_after_seconds
        with wakeups.watch(WORK):
            pass
    with wakeups.watch(JOB):
        pass
    wakeups.close()


def test_a_wait_for_which_there_is_no_thread_is_refused_and_takes_no_place(
    marks: Marks, no_more_threads: "NoMoreThreads"
) -> None:
    wakeups = Wakeups(marks.read, marks, {Kind.WORK: 1, Kind.END: 1, Kind.HISTORY: 1})
    with no_more_threads(), pytest.raises(Unavailable):
        wakeups.start_watch(JOB)
    with wakeups.watch(JOB):
        until(lambda: marks.reads > 0)
    wakeups.end()


def test_ending_a_watch_twice_frees_one_place(marks: Marks) -> None:
    wakeups = Wakeups(marks.read, marks, {Kind.WORK: 1, Kind.END: 1, Kind.HISTORY: 1})
    first = wakeups.start_watch(JOB)
    for _ in range(2):
        wakeups.end_watch(JOB, first)
    with wakeups.watch(JOB), pytest.raises(Unavailable):
        wakeups.start_watch(JOB)
    wakeups.close()
