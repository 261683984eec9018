"""A job's way out of a sandbox without a network: the worker's proxy, at a port of its loopback.

The child listens there and hands the socket over to the proxy's process, which accepts from it.
"""

import json
import os
import shlex
import socket
import sys
from collections.abc import MutableMapping

from utils.tunnel import PROXY

VARIABLE = "TRUELINE_WAY_OUT"  # what the worker tells; gone before the plugin's code runs
DESK = "desk"  # the proxy's socket, in the folder that the worker tells
ANSWER_SECONDS = 10.0
_ATTEMPTS = 3
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class NoWayOut(Exception):  # noqa: N818 - reads as the state it reports
    """The proxy did not take this job's socket."""


def open_way_out(environ: MutableMapping[str, str]) -> None:
    """Offer the proxy to this job, where the worker says that there is one; raises NoWayOut.

    Call it before any code of the plugin or its packages: the worker's word is good for one call.
    """
    told = environ.pop(VARIABLE, None)
    if told is None:
        return
    way = json.loads(told)
    with socket.create_server(("127.0.0.1", 0), backlog=256) as listener:
        _hand_over(way["folder"], way["ticket"], listener)
        port: int = listener.getsockname()[1]
    environ.update(proxy_variables(way["ticket"], port, way["hosts"]))


def proxy_variables(ticket: str, port: int, hosts: list[str]) -> dict[str, str]:
    """Return what tells programs of the proxy.

    A job's own loopback needs none, unless the worker's is declared and meant by its names.
    """
    url = f"http://job:{ticket}@127.0.0.1:{port}"
    own = [name for name in _LOOPBACK if not any(_names(name, host) for host in hosts)]
    found = {"no_proxy": ",".join(own), "NO_PROXY": ",".join(own)}
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        found |= {name: url, name.upper(): url}
    tunnel = os.path.join(os.path.dirname(os.path.abspath(__file__)), "tunnel.py")  # noqa: PTH100, PTH118, PTH120 - pathlib costs each job 6 ms
    command = shlex.join((sys.executable, "-I", "-S", tunnel))
    option = shlex.quote(f"ProxyCommand={command} %h %p")
    return found | {PROXY: url, "GIT_SSH_COMMAND": f"ssh -o {option}"}


def _names(name: str, host: str) -> bool:
    bare = host.lower().removeprefix("[")
    return bare == name or bare.startswith((f"{name}:", f"{name}]"))


def _hand_over(folder: str, ticket: str, listener: socket.socket) -> None:
    reason: object = "it refused"
    for _ in range(_ATTEMPTS):
        try:
            if _handed_over(folder, ticket, listener):
                return
        except OSError as error:
            reason = error
    raise NoWayOut(f"the worker's proxy did not take this job's socket: {reason}")


def _handed_over(folder: str, ticket: str, listener: socket.socket) -> bool:
    # The folder's path may be longer than an address of a unix socket can be.
    handle = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as desk:
            desk.settimeout(ANSWER_SECONDS)
            desk.connect(f"/proc/self/fd/{handle}/{DESK}")
            socket.send_fds(desk, [ticket.encode()], [listener.fileno()])
            return desk.recv(1) == b"y"
    finally:
        os.close(handle)
