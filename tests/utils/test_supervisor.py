import os
import resource
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from utils.process_tree import descendants, read_process, read_process_table
from worker.launcher import Command, Exit, Launcher, LaunchError, Running

Eventually = Callable[[Callable[[], object]], None]

TREE = """
import os, signal, time
ready, tell = os.pipe()
for _ in range(3):
    if os.fork() == 0:
        os.setsid()
        if os.fork():
            os._exit(0)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.write(3, f"{os.getpid()}\\n".encode())
        os.write(tell, b"x")
        time.sleep(600)
told = b""
while len(told) < 3:
    told += os.read(ready, 3)
os.write(3, f"{os.getpid()}\\n".encode())
"""
LASTING_TREE = TREE + "time.sleep(600)"


@pytest.fixture
def spawn(launcher: Launcher, tmp_path: Path) -> Callable[..., Running]:
    def start(code: str, stdin: bytes = b"", **rlimits: int) -> Running:
        argv = (sys.executable, "-I", "-S", "-c", code)
        return launcher.spawn(Command(argv, {"LANG": "C.UTF-8"}, tmp_path, rlimits), stdin)

    return start


def read_all(fd: int) -> bytes:
    os.set_blocking(fd, True)
    pieces = []
    while piece := os.read(fd, 65536):
        pieces.append(piece)
    return b"".join(pieces)


def tree_pids(running: Running) -> list[int]:
    os.set_blocking(running.events, True)
    text = b""
    while text.count(b"\n") < 4 and (piece := os.read(running.events, 100)):
        text += piece
    return [int(pid) for pid in text.split()]


def are_gone(pids: list[int]) -> bool:
    return not any(read_process(pid) for pid in pids)


def test_child_gets_its_channels_and_its_end_is_told(spawn: Callable[..., Running]) -> None:
    code = "import os, sys; os.write(3, sys.stdin.buffer.read()); print('o'); sys.exit('e')"
    running = spawn(code, b"hello")
    assert running.wait() == Exit(1, None)
    assert read_all(running.events) == b"hello"
    assert read_all(running.stdout) == b"o\n"
    assert read_all(running.stderr) == b"e\n"
    running.close()


def test_signal_that_ended_the_child_is_told(spawn: Callable[..., Running]) -> None:
    running = spawn("import os; os.kill(os.getpid(), 15)")
    assert running.wait() == Exit(None, 15)
    running.close()


def test_limits_hold_in_the_child_and_no_descriptor_leaks_into_it(
    spawn: Callable[..., Running],
) -> None:
    code = (
        "import os, resource as r; print(r.getrlimit(r.RLIMIT_CORE), r.getrlimit(r.RLIMIT_NOFILE),"
        " sorted(map(int, os.listdir('/proc/self/fd'))))"
    )
    running = spawn(code, RLIMIT_CORE=0, RLIMIT_NOFILE=100)
    running.wait()
    assert read_all(running.stdout) == b"(0, 0) (100, 100) [0, 1, 2, 3, 4]\n"
    running.close()


def test_limit_above_the_hard_one_is_lowered_to_it(spawn: Callable[..., Running]) -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    code = "import resource as r; print(r.getrlimit(r.RLIMIT_NOFILE)[1])"
    running = spawn(code, RLIMIT_NOFILE=hard + 1)
    running.wait()
    assert int(read_all(running.stdout)) <= hard + 1
    running.close()


@pytest.mark.parametrize(
    ("argv", "folder"), [(("/absent/python",), "."), (("/bin/true",), "absent")]
)
def test_what_cannot_be_started_is_named(
    launcher: Launcher, tmp_path: Path, argv: tuple[str, ...], folder: str
) -> None:
    with pytest.raises(LaunchError, match="absent"):
        launcher.spawn(Command(argv, {}, tmp_path / folder))


def test_kill_takes_the_whole_tree_before_the_end_is_told(spawn: Callable[..., Running]) -> None:
    running = spawn(LASTING_TREE)
    pids = tree_pids(running)
    running.kill()
    assert running.wait() == Exit(None, signal.SIGKILL)
    assert are_gone(pids)
    running.close()


def test_daemons_are_gone_before_a_normal_end_is_told(spawn: Callable[..., Running]) -> None:
    running = spawn(TREE)
    pids = tree_pids(running)
    assert running.wait() == Exit(0, None)
    assert are_gone(pids)
    running.close()


def test_closed_control_ends_the_tree(
    spawn: Callable[..., Running], eventually: Eventually
) -> None:
    running = spawn(LASTING_TREE)
    pids = tree_pids(running)
    running.close()
    eventually(lambda: are_gone(pids))


def test_killed_supervisor_is_told_and_the_launcher_ends_its_orphans(
    spawn: Callable[..., Running], eventually: Eventually
) -> None:
    running = spawn(LASTING_TREE)
    pids = tree_pids(running)
    supervisor = read_process(running.pid)
    assert supervisor is not None
    os.kill(supervisor.parent, signal.SIGKILL)
    assert running.wait() == Exit(None, None)
    eventually(lambda: are_gone(pids))
    running.close()


def test_killed_launcher_takes_every_tree_along(
    launcher: Launcher, spawn: Callable[..., Running], eventually: Eventually
) -> None:
    trees = [spawn(LASTING_TREE) for _ in range(2)]
    pids = [pid for running in trees for pid in tree_pids(running)]
    os.kill(launcher.pid, signal.SIGKILL)
    eventually(lambda: are_gone(pids))
    for running in trees:
        assert running.wait(10) is not None
        running.close()


def test_stray_termination_signal_does_not_end_the_job(
    launcher: Launcher, spawn: Callable[..., Running]
) -> None:
    running = spawn("import sys; sys.stdin.read()", b"x" * 2_000_000)
    supervisor = read_process(running.pid)
    assert supervisor is not None
    os.kill(supervisor.parent, signal.SIGTERM)
    os.kill(launcher.pid, signal.SIGTERM)
    while not running.feed():
        pass
    assert running.wait() == Exit(0, None)
    running.close()


def test_nothing_is_left_of_a_chain_that_forks_and_exits(
    launcher: Launcher, spawn: Callable[..., Running], eventually: Eventually
) -> None:
    code = "import os\nfor _ in range(20_000):\n    if os.fork(): os._exit(0)\n    os.setsid()\n"
    running = spawn(code)
    assert running.wait() == Exit(0, None)
    eventually(lambda: not descendants(launcher.pid, read_process_table()))
    running.close()
