from concurrent.futures import ThreadPoolExecutor

import pytest

from utils.circuit_breaker import CircuitBreaker
from utils.errors import IntegrationTemporaryError


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def fail(breaker: CircuitBreaker, times: int) -> None:
    for _ in range(times):
        breaker.check()
        breaker.note(worked=False)


def test_it_opens_after_so_many_failures_in_a_row() -> None:
    breaker = CircuitBreaker(3, 10.0, Clock())
    fail(breaker, 2)
    breaker.note(worked=True)
    fail(breaker, 3)
    with pytest.raises(IntegrationTemporaryError, match=r"failed 3 times.*for 10 s more"):
        breaker.check()


def test_one_trial_decides_once_it_was_left_alone() -> None:
    clock = Clock()
    breaker = CircuitBreaker(1, 10.0, clock)
    fail(breaker, 1)
    clock.now = 10.0
    fail(breaker, 1)  # the trial
    with pytest.raises(IntegrationTemporaryError):
        breaker.check()
    clock.now = 20.0
    breaker.check()
    breaker.note(worked=True)
    fail(breaker, 1)


def test_of_many_threads_one_is_the_trial() -> None:
    clock = Clock()
    breaker = CircuitBreaker(1, 10.0, clock)
    fail(breaker, 1)
    clock.now = 10.0

    def is_let_through(_: int) -> bool:
        try:
            breaker.check()
        except IntegrationTemporaryError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(is_let_through, range(100))) == 1
