from worker.backoff import Backoff


def test_waits_grow_to_their_limit_with_jitter() -> None:
    backoff = Backoff(first_seconds=1, most_seconds=8)

    waits = [backoff.next() for _ in range(6)]

    for wait, whole in zip(waits, [1, 2, 4, 8, 8, 8], strict=True):
        assert whole / 2 <= wait <= whole


def test_success_begins_small_again() -> None:
    backoff = Backoff(first_seconds=1, most_seconds=8)
    for _ in range(5):
        backoff.next()

    backoff.reset()

    assert backoff.next() <= 1


def test_wait_that_the_server_asks_for_is_kept() -> None:
    assert Backoff(first_seconds=0.1).next(at_least_seconds=7) == 7


def test_workers_do_not_wait_in_step() -> None:
    assert len({Backoff(first_seconds=1).next() for _ in range(20)}) > 10
