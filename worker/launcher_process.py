"""The launcher's process: small and single-threaded, it forks a supervisor for each child.

Started with `-I -S` and the standard library alone, so that a fork is cheap and no thread of the
worker can be in it. It is a subreaper: what a killed supervisor leaves behind lands here and ends.
"""

import socket
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from utils.fork_server import ForkServer
from utils.guard_process import start_guard
from utils.sandbox_closer import start_closer
from utils.supervisor import start_program


def serve_launcher(requests_fd: int) -> None:
    """Be the launcher until the worker is gone."""
    ForkServer(socket.socket(fileno=requests_fd), start_helped_program).serve()


def start_helped_program(request: Mapping[str, Any], begun: Callable[[], None]) -> NoReturn:
    """Become the program that the request names, with helpers beside it where it asks for any."""
    if request.get("closer"):
        start_closer()
    if request.get("guard") is not None:
        start_guard(request["guard"])
    start_program(request, begun)
