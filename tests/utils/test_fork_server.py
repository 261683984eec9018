import os
import signal
from collections.abc import Callable
from pathlib import Path

from utils.process_tree import descendants, read_process, read_process_table
from worker.launcher import Command, Exit, Launcher, Running

Eventually = Callable[[Callable[[], object]], None]
SLEEP = Command(("/bin/sleep", "600"), {}, Path("/"))


def supervisor_of(running: Running) -> int:
    process = read_process(running.pid)
    assert process is not None
    return process.parent


def test_each_request_gets_a_supervisor_of_its_own(launcher: Launcher) -> None:
    jobs = [launcher.spawn(SLEEP) for _ in range(3)]
    supervisors = {supervisor_of(job) for job in jobs}
    assert len(supervisors) == 3
    for pid in supervisors:
        process = read_process(pid)
        assert process is not None
        assert process.parent == launcher.pid
    for job in jobs:
        job.close()


def test_what_a_killed_supervisor_leaves_is_ended_and_others_go_on(
    launcher: Launcher, eventually: Eventually
) -> None:
    lost, other = launcher.spawn(SLEEP), launcher.spawn(SLEEP)
    os.kill(supervisor_of(lost), signal.SIGKILL)
    assert lost.wait() == Exit(None, None)
    eventually(lambda: read_process(lost.pid) is None)
    assert read_process(other.pid) is not None
    lost.close()
    other.close()


def test_server_whose_client_is_gone_ends_all_that_it_started(eventually: Eventually) -> None:
    with Launcher.start() as launcher:
        job, pid = launcher.spawn(SLEEP), launcher.pid
        below = descendants(pid, read_process_table())
        assert len(below) == 2
    eventually(lambda: not any(read_process(process.pid) for process in below))
    job.close()
