"""A `trueline` that begins as a fork of an interpreter which has imported all commands.

Pages call it a hundred times, and half of each call would be imports. What stays until Ctrl-C, and
what the kernel shows the variables of, starts for real.
"""

import contextlib
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import NoReturn

from cli.main import COMMANDS, main
from tests.preloaded import REAL

STAYS = {"up", "demo", "--watch"}
REQUEST_BYTES = 1 << 17
END_SECONDS = 20
CLIENT = """\
#!{python} -IS
import json, os, socket, sys

arguments, given = sys.argv[1:], dict(os.environ)
if {stays} & set(arguments) or {real} & set(given):
    os.execv({command!r}, ["trueline", *arguments])
mask = os.umask(0)
os.umask(mask)
with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as line:
    line.connect({address!r})
    request = json.dumps([arguments, given, os.getcwd(), mask]).encode()
    socket.send_fds(line, [request], [0, 1, 2])
    sys.exit(int(line.recv(16)))
"""


@contextlib.contextmanager
def prepared_command() -> Iterator[Path]:
    """Yield a program that is called as `trueline` is."""
    with tempfile.TemporaryDirectory(prefix="trueline-") as folder:
        address = f"{folder}/socket"
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listening:
            listening.bind(address)
            listening.listen(16)
            process = subprocess.Popen(
                [sys.executable, "-m", __name__, str(listening.fileno())],
                pass_fds=[listening.fileno()],
                cwd=Path(__file__).parents[2],
                stdin=subprocess.PIPE,
            )
        client = Path(folder, "trueline")
        command = str(Path(sys.executable).with_name("trueline"))
        text = CLIENT.format(
            python=sys.executable, stays=STAYS, real=set(REAL), command=command, address=address
        )
        client.write_text(text)
        client.chmod(0o755)
        yield client
        process.communicate(timeout=END_SECONDS)  # its standard input ends


def _serve(listening: socket.socket) -> None:
    """Fork for each call until nobody can make one any more."""
    for name in COMMANDS:
        import_module(f"cli.commands.{name}")
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # watchers end when nobody waits any more
    with selectors.DefaultSelector() as selector:
        selector.register(listening, selectors.EVENT_READ)
        selector.register(0, selectors.EVENT_READ)
        while all(key.fileobj is listening for key, _ in selector.select()):
            with listening.accept()[0] as line:
                if os.fork() == 0:
                    listening.close()
                    _watch(line)


def _watch(line: socket.socket) -> NoReturn:
    """Fork the command, and tell how it ends."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    request, streams, _, _ = socket.recv_fds(line, REQUEST_BYTES, 3)
    if (pid := os.fork()) == 0:
        line.close()
        _become(streams, *json.loads(request))
    for stream in streams:
        os.close(stream)
    with contextlib.suppress(OSError):  # who called has ended
        line.send(str(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])).encode())
    os._exit(0)


def _become(
    streams: Sequence[int], arguments: list[str], given: dict[str, str], folder: str, mask: int
) -> NoReturn:
    """Be as `trueline` begins."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(folder)
    os.umask(mask)
    os.environ.clear()
    os.environ.update(given)
    sys.path.pop(0)  # the folder of this module's start
    sys.argv = ["trueline", *arguments]
    sys.exit(main())


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
