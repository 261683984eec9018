import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from utils.process_tree import descendants, read_process, read_process_table
from worker.launcher import Command, Exit, Launcher, LaunchError, Running

Eventually = Callable[[Callable[[], object]], None]
TRUE = Command(("/bin/true",), {}, Path("/"))
SLEEP = Command(("/bin/sleep", "600"), {}, Path("/"))

# A worker that is about to be killed: three jobs, each with a daemon of its own session.
WORKER = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from worker.launcher import Command, Launcher
code = '''
import os, signal, time
if os.fork() == 0:
    os.setsid()
    if os.fork(): os._exit(0)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
os.write(3, f"{os.getpid()}\\\\n".encode())
time.sleep(600)
'''
launcher = Launcher.start()
jobs = [launcher.spawn(Command((sys.executable, "-c", code), {}, Path("/"))) for _ in range(3)]
print(launcher.pid, flush=True)
import os
import select
for job in jobs:
    os.set_blocking(job.events, True)
    text = b""
    while text.count(b"\\n") < 2:
        text += os.read(job.events, 100)
    print(text.decode(), end="", flush=True)
time.sleep(600)
"""


def open_fds(pid: int | str) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def is_running(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"  # init may take its time to reap


def test_worker_killed_with_jobs_leaves_no_process(eventually: Eventually) -> None:
    command = [sys.executable, "-c", WORKER, str(Path(__file__).parents[2])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        pids = [int(worker.stdout.readline()) for _ in range(7)]
        below = [process.pid for process in descendants(worker.pid, read_process_table())]
        assert set(pids) <= set(below)
        os.kill(worker.pid, signal.SIGKILL)
        worker.wait()
        eventually(lambda: not any(map(is_running, below)))


@pytest.mark.parametrize("end", [Running.kill, Running.close])
def test_child_that_stopped_its_supervisor_ends_all_the_same(
    launcher: Launcher, eventually: Eventually, end: Callable[[Running], None]
) -> None:
    running = stopping_its_supervisor(launcher, eventually)
    end(running)
    eventually(lambda: not descendants(launcher.pid, read_process_table()))
    if end is Running.kill:
        assert running.wait(10) == Exit(None, signal.SIGKILL)
        running.close()


def test_launcher_that_ends_takes_a_stopped_supervisor_along(
    launcher: Launcher, eventually: Eventually
) -> None:
    running = stopping_its_supervisor(launcher, eventually)
    launcher.close()
    eventually(lambda: not is_running(running.pid))
    running.close()


def stopping_its_supervisor(launcher: Launcher, eventually: Eventually) -> Running:
    code = """
import os, signal, time
for _ in range(50):
    os.kill(os.getppid(), signal.SIGSTOP)
os.write(1, b"stopped it")
time.sleep(600)
"""
    running = launcher.spawn(Command((sys.executable, "-c", code), {}, Path("/")))
    eventually(lambda: select.select([running.stdout], [], [], 0)[0])
    return running


def test_two_hundred_children_leave_no_zombie_and_no_descriptor(
    launcher: Launcher, eventually: Eventually
) -> None:
    launcher.spawn(TRUE).close()
    eventually(lambda: not descendants(launcher.pid, read_process_table()))
    ours, its = open_fds("self"), open_fds(launcher.pid)
    for _ in range(200):
        running = launcher.spawn(TRUE)
        assert running.wait() == Exit(0, None)
        running.close()
    assert open_fds("self") == ours
    eventually(lambda: not descendants(launcher.pid, read_process_table()))
    assert open_fds(launcher.pid) == its


def test_failed_starts_leave_no_descriptor(launcher: Launcher) -> None:
    ours = open_fds("self")
    for _ in range(5):
        with pytest.raises(LaunchError):
            launcher.spawn(Command(("/absent",), {}, Path("/")))
    assert open_fds("self") == ours


def test_killed_launcher_is_replaced_at_the_next_start(launcher: Launcher) -> None:
    before = launcher.pid
    os.kill(before, signal.SIGKILL)
    running = launcher.spawn(TRUE)
    assert running.wait() == Exit(0, None)
    assert launcher.pid != before
    running.close()


def test_launcher_that_once_could_not_be_started_again_is_started_for_the_next_child(
    launcher: Launcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.kill(launcher.pid, signal.SIGKILL)
    with monkeypatch.context() as there_is_no:
        there_is_no.setattr(sys, "executable", "/absent")
        with pytest.raises(LaunchError, match="nor did its launcher"):
            launcher.spawn(TRUE)
    running = launcher.spawn(TRUE)
    assert running.wait() == Exit(0, None)
    running.close()


def test_launcher_that_is_stopped_is_replaced() -> None:
    with Launcher.start(answer_seconds=1.5) as launcher:  # also what its successor has
        launcher.spawn(TRUE).close()
        before = launcher.pid
        os.kill(before, signal.SIGSTOP)
        running = launcher.spawn(TRUE)
        assert running.wait() == Exit(0, None)
        assert launcher.pid != before
        running.close()


def test_threads_that_find_the_launcher_dead_replace_it_once(launcher: Launcher) -> None:
    os.kill(launcher.pid, signal.SIGKILL)
    ends: list[Exit | None] = []
    seen: set[int] = set()

    def run() -> None:
        running = launcher.spawn(TRUE)
        ends.append(running.wait())
        seen.add(launcher.pid)
        running.close()

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ends == [Exit(0, None)] * 8
    assert len(seen) == 1


def test_child_outlives_the_thread_that_started_it(launcher: Launcher) -> None:
    started = []
    command = Command(("/bin/cat",), {}, Path("/"))
    thread = threading.Thread(
        target=lambda: started.append(launcher.spawn(command, b"x" * 1_000_000))
    )
    thread.start()
    thread.join()
    running = started[0]
    os.set_blocking(running.stdout, True)
    size = 0
    while not running.feed() or size < 1_000_000:
        size += len(os.read(running.stdout, 65536))
    assert running.wait() == Exit(0, None)
    running.close()


def test_wait_returns_none_when_the_time_is_up(launcher: Launcher) -> None:
    running = launcher.spawn(SLEEP)
    assert running.wait(0.01) is None
    running.kill()
    assert running.wait() == Exit(None, signal.SIGKILL)
    assert running.wait(0) == Exit(None, signal.SIGKILL)
    running.close()


def test_closed_launcher_ends_what_runs_and_starts_nothing() -> None:
    launcher = Launcher.start()
    running, pid = launcher.spawn(SLEEP), launcher.pid
    launcher.close()
    assert read_process(pid) is None
    assert running.wait(10) is not None
    assert read_process(running.pid) is None
    running.close()
    with pytest.raises(LaunchError):
        launcher.spawn(TRUE)
