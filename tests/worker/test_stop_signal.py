import select
import threading

from worker.stop_signal import StopSignal


def is_readable(fd: int) -> bool:
    return bool(select.select([fd], [], [], 0)[0])


def test_first_request_counts() -> None:
    stop = StopSignal()
    assert stop.reason is None
    stop.request("cancelled")
    stop.request("interrupted")
    assert stop.reason == "cancelled"


def test_request_from_another_thread_wakes_the_one_that_waits() -> None:
    stop = StopSignal()
    with stop.waking() as wake:
        assert not is_readable(wake)
        thread = threading.Thread(target=stop.request, args=("interrupted",))
        thread.start()
        assert select.select([wake], [], [], 20)[0]
        thread.join()


def test_request_that_came_before_wakes_at_once_and_every_time() -> None:
    stop = StopSignal()
    stop.request("cancelled")
    for _ in range(2):
        with stop.waking() as wake:
            assert is_readable(wake)


def test_requests_without_end_block_nobody() -> None:
    stop = StopSignal()
    with stop.waking():
        for _ in range(100_000):
            stop.request("cancelled")
