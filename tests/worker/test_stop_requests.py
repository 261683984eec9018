import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator

import pytest
from structlog.testing import capture_logs

from worker.stop_requests import Flag, StopRequests

Eventually = Callable[[Callable[[], object]], None]


@pytest.fixture
def stops() -> Iterator[StopRequests]:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    stops = StopRequests()
    stops.listen()
    yield stops
    threading.excepthook = threading.__excepthook__
    signal.set_wakeup_fd(-1)
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


def test_signal_that_another_thread_gets_ends_the_wait_of_the_main_thread(
    stops: StopRequests, eventually: Eventually
) -> None:
    main = threading.get_ident()
    heard: list[bool] = []

    def ask() -> None:
        eventually(lambda: sys._current_frames()[main].f_code is Flag.wait.__code__)
        signal.pthread_kill(threading.get_ident(), signal.SIGTERM)
        heard.append(stops.asked.wait(2))

    thread = threading.Thread(target=ask)
    thread.start()
    stops.asked.wait(5)
    thread.join()
    assert heard == [True]


def test_crash_of_a_thread_asks_for_the_end_and_is_named(stops: StopRequests) -> None:
    def crash() -> None:
        raise ValueError("a fault of ours")

    with capture_logs() as logs:
        threading.Thread(target=crash, name="sender").start()
        assert stops.asked.wait(10)

    assert stops.crash == "sender"
    assert [entry["event"] for entry in logs] == ["thread crashed"]


def test_a_flag_that_is_set_stays_so_for_everybody() -> None:
    flag = Flag()
    assert not flag.wait(0.01)
    flag.set()
    flag.set()
    assert flag.is_set()
    assert [flag.wait(), flag.wait(0.0)] == [True, True]
