"""One job in this process: its order on stdin, its events on descriptor 3, then its end."""

import json
import os
import sys
from typing import NoReturn

from utils.base_runner import BaseRunner
from utils.events import EventChannel
from utils.loader import open_snapshot
from utils.session import ChildSpec, run_session

STDIN = 0
EVENTS = 3
LINE = 7  # to what jobs share, where the worker gave one; see utils.commons


def run_job(loaded: type[BaseRunner] | None = None) -> None:
    """Do what stdin says; `loaded` is the Runner where this process has imported it already."""
    channel = EventChannel(EVENTS)
    spec = read_spec()._replace(line=line_given())
    if loaded is None:
        open_snapshot(spec.snapshot)
    if spec.mode == "test":
        from utils.own_tests import run_tests  # noqa: PLC0415 - only in local runs

        run_tests(spec, channel)
    elif spec.exchanges:
        from utils.exchange_play import taped  # noqa: PLC0415 - same

        with taped(spec.exchanges, channel) as told:
            run_session(spec, told, loaded)
    else:
        run_session(spec, channel, loaded)


def read_spec() -> ChildSpec:
    """Read the order to its end and leave an empty stdin to the plugin."""
    with open(STDIN, "rb", closefd=False) as file:
        spec = ChildSpec(**json.load(file))
    point_at_nothing(STDIN)
    return spec


def line_given() -> int | None:
    """Return the descriptor of this job's line, which no program that it starts inherits."""
    try:
        os.set_inheritable(LINE, False)
    except OSError:
        return None
    return LINE


def point_at_nothing(*descriptors: int) -> None:
    """Let descriptors read as empty and swallow what is written."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in descriptors:
        os.dup2(nothing, descriptor)
    if nothing not in descriptors:
        os.close(nothing)


def leave(code: int) -> NoReturn:
    """End at once: threads and exit handlers that the plugin left behind are not waited for."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, OSError, ValueError):
            continue  # the plugin closed or replaced it
    os._exit(code)
