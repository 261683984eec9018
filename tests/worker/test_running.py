import json
import os
import resource
import socket
from pathlib import Path

import pytest

from worker.launcher import Command, Exit, Launcher, LaunchError
from worker.running import StarterLost, ask_for_child, ask_supervisor

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


def test_worker_without_descriptors_says_so_and_keeps_none() -> None:
    ours, theirs = socket.socketpair()
    before = open_descriptors()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.dup(ours.fileno())
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free + 3, hard))
    try:
        with theirs, pytest.raises(LaunchError, match="Too many open files"):
            ask_supervisor(ours, CAT, b"", 1)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert open_descriptors() == before - len((ours, theirs))


@pytest.mark.parametrize(
    "said",
    [b"hello\n", b"[1]\n", b'{"pid": "x"}\n', b"[" * 60_000 + b"\n", b"x" * 200_000],
    ids=["no JSON", "a list", "no number", "deep", "endless"],
)
def test_supervisor_that_a_plugin_speaks_for_is_lost(said: bytes) -> None:
    ours, theirs = socket.socketpair()
    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 * len(said))
    theirs.sendall(said)
    with theirs, pytest.raises(StarterLost):
        ask_supervisor(ours, CAT, b"", 5)


def test_end_that_a_plugin_invents_is_no_end_that_is_known() -> None:
    ours, theirs = socket.socketpair()
    theirs.sendall(b'{"pid": 1}\n{"code": "y", "signal": []}\n')
    with theirs:
        running = ask_supervisor(ours, CAT, b"", 5)
        assert running.wait(5) == Exit(None, None)
        running.close()
