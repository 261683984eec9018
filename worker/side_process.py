"""Starts a process of our own beside the worker: it serves on a socket, and ends as that closes."""

import socket
import subprocess
import sys
from pathlib import Path

_ROOT = str(Path(__file__).parent.parent)
_BOOT = (
    "import sys; sys.path.append(sys.argv[1]); from worker.{module} import {function}; "
    "{function}(int(sys.argv[2]), *sys.argv[3:])"
)


def start_side_process(
    call: str,
    served: socket.socket,
    *arguments: str,
    options: tuple[str, ...] = ("-I",),
) -> "subprocess.Popen[bytes]":
    """Call `MODULE.FUNCTION` of `worker` in an interpreter of its own; raises OSError.

    It gets the number of `served`, which it inherits, then the arguments. Of the worker's variables
    it sees none: secrets may be among them.
    """
    module, function = call.split(".")
    boot = _BOOT.format(module=module, function=function)
    return subprocess.Popen(
        [sys.executable, *options, "-c", boot, _ROOT, str(served.fileno()), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        cwd="/",
        env={"LANG": "C.UTF-8"},
        pass_fds=[served.fileno()],
        start_new_session=True,
    )
