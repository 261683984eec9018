from concurrent.futures import ThreadPoolExecutor

import pytest

from utils import token_bucket
from utils.errors import IntegrationRateLimited
from utils.token_bucket import Level, OwnBuckets, Pace, TokenBucket, bucket_name, reserved


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_twenty_at_once_then_one_a_second() -> None:
    clock = Clock()
    bucket = TokenBucket(buckets=OwnBuckets(clock))
    assert [bucket.reserve(30) for _ in range(23)] == [0.0] * 20 + [1.0, 2.0, 3.0]
    clock.now += 3
    assert bucket.reserve(30) == 1.0
    clock.now += 1000
    assert [bucket.reserve(30) for _ in range(21)] == [0.0] * 20 + [1.0]


def test_who_would_wait_too_long_takes_nothing() -> None:
    bucket = TokenBucket(buckets=OwnBuckets(Clock()))
    waits = [bucket.reserve(30) for _ in range(60)]
    assert waits[49:51] == [30.0, None]
    assert bucket.reserve(31) == 31.0


def test_acquire_waits_for_at_most_thirty_seconds() -> None:
    slept: list[float] = []
    bucket = TokenBucket(buckets=OwnBuckets(Clock()))
    for _ in range(50):
        bucket.acquire(sleep=slept.append)
    assert slept == [float(second) for second in range(1, 31)]
    with pytest.raises(IntegrationRateLimited, match="within 30 s") as raised:
        bucket.acquire(sleep=slept.append)
    assert raised.value.retry_after == 30.0


def test_a_clock_that_is_set_back_refills_nothing() -> None:
    level, wait = reserved(Level(1.0, 1000.0), Pace(), 10.0, 30.0)
    assert (level, wait) == (Level(0.0, 10.0), 0.0)


def test_buckets_of_one_name_are_one_and_others_are_apart() -> None:
    buckets, pace = OwnBuckets(Clock()), Pace(1, 1)
    first, second = (TokenBucket(pace, "a", buckets) for _ in range(2))
    other = TokenBucket(pace, "b", buckets)
    assert (first.reserve(5), second.reserve(5), other.reserve(5)) == (0.0, 1.0, 0.0)


def test_threads_share_it_exactly() -> None:
    bucket = TokenBucket(Pace(10, 1), buckets=OwnBuckets(Clock()))
    with ThreadPoolExecutor(8) as pool:
        waits = list(pool.map(lambda _: bucket.reserve(1000), range(200)))
    assert sorted(wait for wait in waits if wait is not None) == [0.0] * 10 + [
        float(second) for second in range(1, 191)
    ]


def test_a_name_tells_neither_remote_nor_credential() -> None:
    names = {bucket_name("https://a", "x"), bucket_name("https://a", "y"), bucket_name("b", "x")}
    assert len(names) == 3
    assert all(len(name) == 64 for name in names)


def test_full_buckets_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_bucket, "MOST_BUCKETS", 3)
    clock = Clock()
    buckets = OwnBuckets(clock)
    for name in ("a", "b", "c"):
        buckets.reserve(name, Pace(1, 1), 5)
        clock.now += 0.9
    assert buckets.reserve("d", Pace(1, 1), 5) == 0.0  # a and b are full again
    assert buckets.reserve("c", Pace(1, 1), 5) == pytest.approx(0.1)
    for name in ("e", "f", "g", "h"):
        assert buckets.reserve(name, Pace(1, 1), 5) == 0.0


@pytest.mark.parametrize("pace", [Pace(0, 1), Pace(1, 0), Pace(1, -1)])
def test_a_bucket_that_never_gives_is_refused(pace: Pace) -> None:
    with pytest.raises(ValueError, match="a bucket holds"):
        TokenBucket(pace)
