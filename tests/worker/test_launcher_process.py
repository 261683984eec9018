import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from worker.launcher import Command, Exit, Launcher

BOOT = (
    "import sys; sys.path.append(sys.argv[1]); from worker.launcher_process import serve_launcher;"
    "serve_launcher(int(sys.argv[2])); print('served')"
)


@pytest.fixture
def served() -> Iterator[tuple[socket.socket, "subprocess.Popen[str]"]]:
    """Start a launcher process that has no client but the test."""
    ours, theirs = socket.socketpair()
    root = str(Path(__file__).parents[2])
    command = [sys.executable, "-I", "-S", "-c", BOOT, root, str(theirs.fileno())]
    with (
        ours,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, pass_fds=[theirs.fileno()]
        ) as process,
    ):
        theirs.close()
        yield ours, process


def test_launcher_ends_when_the_socket_of_its_worker_closes(
    served: tuple[socket.socket, "subprocess.Popen[str]"],
) -> None:
    requests, process = served
    requests.close()
    assert process.communicate(timeout=20)[0] == "served\n"
    assert process.returncode == 0


def test_worker_that_dies_before_it_asks_leaves_no_supervisor(
    served: tuple[socket.socket, "subprocess.Popen[str]"],
) -> None:
    requests, process = served
    ours, theirs = socket.socketpair()
    with theirs:
        socket.send_fds(requests, [b"s"], [theirs.fileno()])
    ours.close()
    requests.close()
    assert process.communicate(timeout=20)[0] == "served\n"


def test_message_without_a_socket_ends_the_launcher(
    served: tuple[socket.socket, "subprocess.Popen[str]"],
) -> None:
    requests, process = served
    requests.send(b"s")
    assert process.communicate(timeout=20)[0] == "served\n"


def test_launcher_ignores_what_a_terminal_sends(launcher: Launcher) -> None:
    true = Command(("/bin/true",), {}, Path("/"))
    launcher.spawn(true).close()  # it is up
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        os.kill(launcher.pid, number)
    before = launcher.pid
    running = launcher.spawn(true)
    assert running.wait() == Exit(0, None)
    assert launcher.pid == before
    running.close()


def test_launcher_is_small_and_single_threaded(launcher: Launcher) -> None:
    launcher.spawn(Command(("/bin/true",), {}, Path("/"))).close()
    lines = Path(f"/proc/{launcher.pid}/status").read_text().splitlines()
    status = dict(line.split(":", 1) for line in lines)
    assert status["Threads"].strip() == "1"
    assert int(status["VmRSS"].split()[0]) < 24 * 1024
