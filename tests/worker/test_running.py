import json
import os
import socket
from pathlib import Path

import pytest

from worker.launcher import Command, Exit, Launcher
from worker.running import StarterLost, ask_for_child

CAT = Command(("/bin/cat",), {}, Path("/"))


def test_request_says_all_that_the_other_side_needs() -> None:
    command = Command(("/bin/true",), {"A": "b"}, Path("/tmp"), {"RLIMIT_CORE": 0}, {"walls": 1})
    assert json.loads(command.as_request()) == {
        "argv": ["/bin/true"],
        "env": {"A": "b"},
        "cwd": "/tmp",
        "rlimits": {"RLIMIT_CORE": 0},
        "confine": {"walls": 1},
        "closer": False,
        "guard": None,
    }


def test_child_may_get_a_socket_as_its_stdin(launcher: Launcher) -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        running = launcher.spawn(CAT, theirs)
    ours.sendall(b"hello")
    os.set_blocking(running.stdout, True)
    assert os.read(running.stdout, 100) == b"hello"
    ours.close()
    assert running.wait(20) == Exit(0, None)
    running.close()


def test_child_goes_on_without_its_channels_and_ends_with_its_control(launcher: Launcher) -> None:
    running = launcher.spawn(Command(("/bin/sleep", "600"), {}, Path("/")))
    running.close_channels()
    assert running.wait(0.01) is None
    closed: list[str] = []
    running.on_close = lambda: closed.append("once")
    running.close()
    running.close()
    assert closed == ["once"]


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_starter_that_is_gone_is_lost_and_leaves_no_descriptor() -> None:
    before = open_descriptors()
    ours, theirs = socket.socketpair()
    theirs.close()

    def hand_over(control: socket.socket) -> None:
        socket.send_fds(ours, [b"s"], [control.fileno()])

    with ours, pytest.raises(StarterLost):
        ask_for_child(hand_over, CAT, b"", 1)
    assert open_descriptors() == before
