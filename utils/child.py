"""Entry of the child process: its order on stdin, its events on descriptor 3, then one session."""

import faulthandler
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from utils.session import ChildSpec

EVENTS = 3


def main() -> None:
    """Do what stdin says and leave with 0 once all of it is reported."""
    prepare_process()
    from utils.events import EventChannel  # noqa: PLC0415 - importable only once sys.path is set
    from utils.loader import open_snapshot  # noqa: PLC0415 - same
    from utils.session import run_session  # noqa: PLC0415 - same

    channel = EventChannel(EVENTS)
    spec = read_spec()
    open_snapshot(spec.snapshot)
    run_session(spec, channel)


def prepare_process() -> None:
    """Set what must hold before any code of the plugin runs."""
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # noqa: PTH100, PTH120 - pathlib costs each job 6 ms
    sys.dont_write_bytecode = True  # snapshot and environment are shared and stay as they are
    sys.stdout.reconfigure(line_buffering=True, errors="backslashreplace")  # type: ignore[union-attr]  # a TextIOWrapper at start
    faulthandler.enable()  # a crash in C code leaves its Python stack in the log


def read_spec() -> "ChildSpec":
    """Read the order to its end and leave an empty stdin to the plugin."""
    import json  # noqa: PLC0415 - importable only once sys.path is set

    from utils.session import ChildSpec  # noqa: PLC0415 - same

    spec = ChildSpec(**json.load(sys.stdin.buffer))
    with open(os.devnull, "rb") as nothing:  # noqa: PTH123 - pathlib costs each job 6 ms
        os.dup2(nothing.fileno(), sys.stdin.fileno())
    return spec


def leave(code: int) -> None:
    """End at once: threads and exit handlers that the plugin left behind are not waited for."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, OSError, ValueError):
            continue  # the plugin closed or replaced it
    os._exit(code)


if __name__ == "__main__":
    try:
        main()
    except BaseException:  # noqa: BLE001 - the process's edge: the worker reads code and stderr
        sys.excepthook(*sys.exc_info())
        leave(1)
    leave(0)
