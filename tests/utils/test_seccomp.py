import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
PREAMBLE = """
import ctypes, os, socket, subprocess, sys, threading
sys.path.insert(0, sys.argv[1])
from utils.seccomp import refuse_rare_calls
from utils.system_calls import prctl, system_call
prctl(38, 1)
refuse_rare_calls()
def fail(act):
    try:
        act()
    except OSError as error:
        return error.errno
    return 0
"""
NUMBERS = {
    "x86_64": {"keyctl": 250, "bpf": 321, "mount": 165, "unshare": 272, "clone3": 435},
    "aarch64": {"keyctl": 219, "bpf": 280, "mount": 40, "unshare": 97, "clone3": 435},
}[os.uname().machine]
NEW_USER, NEW_FILES = 0x10000000, 0x400
AF_VSOCK = 40


def filtered(expression: str) -> str:
    script = f"{PREAMBLE}\nprint({expression})"
    command = [sys.executable, "-I", "-S", "-c", script, str(REPOSITORY)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize(
    ("call", "number"),
    [
        ("keyctl", errno.EPERM),
        ("bpf", errno.EPERM),
        ("mount", errno.EPERM),
        ("clone3", errno.ENOSYS),
    ],
)
def test_rare_calls_are_refused(call: str, number: int) -> None:
    assert filtered(f"fail(lambda: system_call({NUMBERS[call]}, 0, 0, 0, 0, 0))") == str(number)


def test_user_namespaces_are_refused_and_other_unsharing_is_not() -> None:
    unshare = NUMBERS["unshare"]
    assert filtered(f"fail(lambda: system_call({unshare}, {NEW_USER}))") == str(errno.EPERM)
    assert filtered(f"fail(lambda: system_call({unshare}, {NEW_FILES}))") == "0"


def test_sockets_of_rare_families_are_refused() -> None:
    assert filtered(f"fail(lambda: socket.socket({AF_VSOCK}, 1))") == str(errno.EAFNOSUPPORT)
    for family in ("AF_INET", "AF_INET6", "AF_UNIX"):
        assert filtered(f"fail(lambda: socket.socket(socket.{family}))") == "0"


def test_threads_forks_and_programs_work_as_before() -> None:
    assert filtered("threading.Thread(target=print, args=('thread',)).start()") == "thread\nNone"
    assert filtered("os.waitpid(os.posix_spawn('/bin/true', ['true'], {}), 0)[1]") == "0"
    assert filtered("subprocess.run(['/bin/echo', 'x'], capture_output=True).stdout") == "b'x\\n'"


def test_filter_holds_in_what_it_starts() -> None:
    inner = f"import ctypes; print(ctypes.CDLL(None).unshare({NEW_USER}))"
    run = f"subprocess.run([sys.executable, '-I', '-c', {inner!r}], capture_output=True).stdout"
    assert filtered(run) == "b'-1\\n'"
