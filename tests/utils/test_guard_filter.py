import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from utils.guard_filter import call_numbers, check_guard

REPOSITORY = Path(__file__).parents[2]
RunGuarded = Callable[..., Any]
# With a guard that says something else than it should; what follows is not reached.
SUBMIT = """
import os, sys
sys.path.insert(0, sys.argv[1])
from utils.guard_filter import submit_to_guard
from utils.system_calls import prctl
prctl(38, 1)
submit_to_guard(int(sys.argv[2]))
print("went on")
"""


def test_numbers_of_this_machine_are_known() -> None:
    numbers = call_numbers()
    assert numbers is not None
    assert len(set(numbers)) == len(numbers)


def test_nothing_runs_when_the_guard_does_not_answer() -> None:
    ours, theirs = socket.socketpair()
    command = [sys.executable, "-I", "-c", SUBMIT, str(REPOSITORY), str(theirs.fileno())]
    with subprocess.Popen(
        command, pass_fds=[theirs.fileno()], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        theirs.close()
        said = ours.recv(16)
        ours.close()
        printed, error = process.communicate(timeout=60)
    assert said.isdigit()
    assert printed == b""
    assert b"the guard of this sandbox did not answer" in error


def test_process_without_a_guard_has_none_that_is_gone() -> None:
    check_guard()


def test_guard_that_is_gone_is_found_out() -> None:
    """The listener closes with the process that answered for it: there is none."""
    script = SUBMIT.replace(
        "submit_to_guard(int", "from utils.guard_filter import check_guard\nour(int"
    )
    script = script.replace("import os, sys", "import os, sys, threading, socket\n" + OUR)
    command = [sys.executable, "-I", "-c", script, str(REPOSITORY), "0"]
    end = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert "the guard of this sandbox is gone" in end.stderr
    assert end.stdout == ""


OUR = """
def our(_):
    one, other = socket.socketpair()
    threading.Thread(target=lambda: (other.recv(9), os.write(other.fileno(), b"k"))).start()
    submit_to_guard(one.fileno())
    one.detach()
    check_guard()
"""


def test_what_only_serves_to_go_another_way_is_refused(run_guarded: RunGuarded) -> None:
    found = run_guarded("""
def option(level, name):
    with socket.socket(socket.AF_INET6 if level == 41 else socket.AF_INET) as made:
        made.setsockopt(level, name, b"lo" + bytes(6))
def kind(*how):
    socket.socket(*how).close()
print(json.dumps({
    "options": [tried(option, *one) for one in ((0, 4), (41, 6), (41, 57), (1, 25), (1, 62))],
    "kinds": [tried(kind, *one) for one in ((2, 1, 132), (10, 1, 262), (2, 5), (2, 6), (16, 3, 4))],
    "usual": [tried(kind, *one) for one in ((2, 1), (10, 2 | 2048, 17), (16, 3, 0), (1, 5))],
    "keep alive": tried(option, 1, 9),
}))
""")
    assert set(found["options"]) == {"EPERM"}
    assert set(found["kinds"]) == {"EPROTONOSUPPORT"}
    assert set(found["usual"]) == {"done"}
    assert found["keep alive"] == "done"


def test_listener_and_the_socket_to_the_guard_are_not_left_to_a_plugin(
    run_guarded: RunGuarded,
) -> None:
    found = run_guarded("""
print(json.dumps([os.readlink(f"/proc/self/fd/{one}") for one in sorted(os.listdir("/proc/self/fd"))
    if os.path.exists(f"/proc/self/fd/{one}") or os.path.lexists(f"/proc/self/fd/{one}")]))
""")
    assert not [one for one in found if "seccomp" in one or "socket" in one], found
