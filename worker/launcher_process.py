"""The launcher's process: small and single-threaded, it forks a supervisor for each child.

Started with `-I -S` and the standard library alone, so that a fork is cheap and no thread of the
worker can be in it. It is a subreaper: what a killed supervisor leaves behind lands here and ends.
"""

import socket

from utils.fork_server import ForkServer
from utils.supervisor import start_program


def serve_launcher(requests_fd: int) -> None:
    """Be the launcher until the worker is gone."""
    ForkServer(socket.socket(fileno=requests_fd), start_program).serve()
