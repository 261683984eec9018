import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from worker.key_locks import KeyLocks

HOLDER = """
import subprocess, sys, time
from pathlib import Path
from worker.key_locks import KeyLocks

with KeyLocks(Path(sys.argv[1])).held("key", 10):
    child = subprocess.Popen(["sleep", "600"], close_fds=False)
    print(child.pid, flush=True)
    time.sleep(600)
"""


def test_a_lock_is_held_by_one_thread_at_a_time(tmp_path: Path) -> None:
    locks = KeyLocks(tmp_path)
    inside, most = 0, 0

    def work() -> None:
        nonlocal inside, most
        for _ in range(5):
            with locks.held("key", 30):
                inside += 1
                most = max(most, inside)
                inside -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1


def test_waiting_for_a_lock_has_an_end(tmp_path: Path) -> None:
    with (
        KeyLocks(tmp_path).held("key", 10),
        pytest.raises(TimeoutError, match=r"locked for 0\.1 seconds"),
        KeyLocks(tmp_path).held("key", 0.1),
    ):
        pass


def test_a_lock_that_is_held_is_left_alone(tmp_path: Path) -> None:
    locks = KeyLocks(tmp_path)
    with locks.held("key", 10), locks.held_if_free("key") as held, locks.held_if_free("x") as other:
        assert (held, other) == (False, True)


def test_a_killed_owner_frees_the_lock_though_its_child_lives(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        child = int(owner.stdout.readline())
        try:
            with KeyLocks(tmp_path).held_if_free("key") as held:
                assert not held
            owner.kill()
            owner.wait()
            os.kill(child, 0)
            with KeyLocks(tmp_path).held("key", 5):
                pass
        finally:
            os.kill(child, signal.SIGKILL)
