import os
import subprocess
import sys
from pathlib import Path

LOOK = """
import os, subprocess, sys
from utils.process_variables import take_variables
taken = take_variables(("SECRET_ONE", "SECRET_TWO"))
assert (taken["SECRET_ONE"], taken["SECRET_TWO"], taken["PLAIN"]) == ("canary-1", "", "shown")
child = subprocess.run(["env"], capture_output=True, check=True).stdout
sys.stdout.buffer.write(open("/proc/self/environ", "rb").read() + child)
sys.stdout.flush()
if (pid := os.fork()) == 0:
    sys.stdout.buffer.write(open("/proc/self/environ", "rb").read())
    sys.stdout.flush()
    os._exit(0)
os.waitpid(pid, 0)
"""


def test_secret_variable_shows_nowhere_once_it_was_taken() -> None:
    environ = {
        "PATH": os.environ["PATH"],
        "SECRET_ONE": "canary-1",
        "SECRET_TWO": "",
        "PLAIN": "shown",
    }
    end = subprocess.run(
        [sys.executable, "-c", LOOK],
        cwd=Path(__file__).parents[2],
        env=environ,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert end.returncode == 0, end.stderr
    assert b"canary" not in end.stdout
    assert end.stdout.count(b"PLAIN=shown") == 3
