import os
import signal
from collections.abc import Iterator

import pytest

from worker.stop_requests import StopRequests


@pytest.fixture
def stops() -> Iterator[StopRequests]:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    stops = StopRequests()
    stops.listen()
    yield stops
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_first_signal_asks_and_the_second_hurries(
    stops: StopRequests, number: signal.Signals
) -> None:
    os.kill(os.getpid(), number)
    assert stops.asked.wait(10)
    assert not stops.hurry.is_set()

    os.kill(os.getpid(), number)
    assert stops.hurry.wait(10)
