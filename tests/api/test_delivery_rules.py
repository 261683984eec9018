from datetime import UTC, datetime, timedelta

from api.delivery_rules import LONGEST, MOST_TRIES, Tried, Verdict, judge, rest_until

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
FAILED = Tried("it answered 500", 500)


def wait(attempts: int, luck: float = 0.0, tried: Tried = FAILED) -> float:
    due_at = judge(tried, attempts, NOW, NOW, luck).due_at
    assert due_at is not None
    return (due_at - NOW).total_seconds()


def test_success_is_the_end() -> None:
    assert judge(Tried(answer=204), 3, NOW, NOW, 0.5) == Verdict()


def test_waits_grow_and_are_spread() -> None:
    waits = [wait(attempts) for attempts in range(1, MOST_TRIES)]
    assert waits == sorted(waits)
    assert (waits[0], waits[1]) == (5, 30)
    assert sum(1.2 * one for one in waits) < LONGEST.total_seconds()
    assert wait(1, luck=1.0) == 6


def test_receiver_may_ask_for_a_longer_wait_and_not_for_a_shorter_one_or_an_endless_one() -> None:
    assert wait(1, tried=Tried("busy", 429, 900)) == 900
    assert wait(5, tried=Tried("busy", 429, 1)) == 1800
    assert wait(1, tried=Tried("busy", 503, 1e12)) == 6 * 3600


def test_it_is_given_up_after_so_many_tries_or_a_day_or_at_once_where_nobody_is() -> None:
    dead = Verdict(dead=True)
    assert judge(FAILED, MOST_TRIES, NOW, NOW, 0.0) == dead
    assert judge(FAILED, 1, NOW - LONGEST, NOW, 0.0) == dead
    assert judge(Tried("it answered 410", 410), 1, NOW, NOW, 0.0) == dead
    assert judge(FAILED, 1, NOW - LONGEST + timedelta(seconds=6), NOW, 0.0).due_at is not None


def test_receiver_that_fails_rests_longer_each_time_within_bounds() -> None:
    rests = [(rest_until(FAILED, n, NOW) - NOW).total_seconds() for n in (1, 2, 3, 9, 10_000)]
    assert rests == [5, 10, 20, 300, 300]
    assert rest_until(Tried("busy", 429, 600), 1, NOW) == NOW + timedelta(minutes=10)
