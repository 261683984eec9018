import ctypes
import errno
import select
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from utils.caller import Caller
from utils.guard_filter import LISTENING, call_numbers
from utils.notifications import Notifications, PendingCall

REPOSITORY = Path(__file__).parents[2]
LIBC = ctypes.CDLL(None, use_errno=True)
# Connects once for each line that it reads, and says what came of it.
CALLING = """
import os, socket, sys
sys.path.insert(0, sys.argv[1])
from utils.guard_filter import submit_to_guard
from utils.system_calls import prctl
prctl(38, 1)
submit_to_guard(int(sys.argv[2]))
for line in sys.stdin:
    with socket.socket() as made:
        print(made.connect_ex(("192.0.2.1", 7)), flush=True)
"""


class Calling:
    """A process whose calls this test answers."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        command = [sys.executable, "-I", "-c", CALLING, str(REPOSITORY), str(theirs.fileno())]
        self.process = subprocess.Popen(
            command,
            pass_fds=[theirs.fileno()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        theirs.close()
        with ours, Caller(self.process.pid, LIBC) as caller:
            self.notifications = Notifications(caller.duplicate(int(ours.recv(16))))
            ours.send(LISTENING)

    def call(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def answer(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def next(self) -> PendingCall:
        pending = self.notifications.receive()
        assert pending is not None
        return pending

    def events(self) -> int:
        poll = select.poll()
        poll.register(self.notifications, select.POLLIN)
        return poll.poll(20_000)[0][1]


@pytest.fixture
def calling() -> Iterator[Calling]:
    made = Calling()
    yield made
    made.process.kill()
    made.process.communicate()


def test_call_comes_with_its_caller_and_what_it_was_given(calling: Calling) -> None:
    calling.call()
    pending = calling.next()
    numbers = call_numbers()
    assert numbers is not None
    assert (pending.thread, pending.number) == (calling.process.pid, numbers.connect)
    with Caller(pending.thread, LIBC) as caller:
        raw = caller.read(pending.arguments[1], pending.arguments[2])
    assert socket.inet_ntoa(raw[4:8]) == "192.0.2.1"
    assert calling.notifications.still_waits(pending)
    calling.notifications.answer(pending, -errno.ECONNREFUSED)
    assert calling.answer() == str(errno.ECONNREFUSED)
    assert not calling.notifications.still_waits(pending)


def test_result_that_is_no_error_is_passed_on(calling: Calling) -> None:
    calling.call()
    calling.notifications.answer(calling.next(), 0)
    assert calling.answer() == "0"


def test_answer_to_a_dead_caller_is_nobodys(calling: Calling) -> None:
    calling.call()
    pending = calling.next()
    calling.process.kill()
    calling.process.wait()
    assert not calling.notifications.still_waits(pending)
    calling.notifications.answer(pending, 0)


def test_listener_hangs_up_with_its_last_process(calling: Calling) -> None:
    calling.call()
    assert not calling.notifications.is_hung_up(calling.events())
    calling.process.kill()
    calling.process.wait()
    assert calling.notifications.is_hung_up(calling.events())


def test_nothing_is_connected_once_nobody_listens(calling: Calling) -> None:
    calling.call()
    calling.next()
    calling.notifications.close()
    assert calling.answer() == str(errno.ENOSYS)
    calling.call()
    assert calling.answer() == str(errno.ENOSYS)


def test_call_that_was_broken_off_is_passed_over(
    calling: Calling, eventually: Callable[[Callable[[], object]], None]
) -> None:
    calling.call()
    calling.events()
    threading.Thread(target=calling.process.kill).start()
    eventually(lambda: calling.process.poll() is not None)
    assert calling.notifications.receive() is None
