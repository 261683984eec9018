import os
import resource
import socket
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from worker.child_pump import DROPPED_BYTES_A_SECOND, LEFT_IN_PIPE_BYTES, ChildPump
from worker.launcher import Command, Exit, Launcher
from worker.running import ask_for_child

RunPlugin = Callable[..., Any]

ALL_WELL = {"before": "success", "misbehave": "success", "after": "success", "judge": "success"}


@pytest.mark.parametrize("lines", [True, False])
def test_gigabyte_of_output_is_cut_with_a_mark_in_flat_memory(
    run_plugin: RunPlugin, *, lines: bool
) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    config = {"act": "print_much", "megabytes": 1024, "lines": lines}
    job = run_plugin("misbehaving", config)
    grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert job.statuses == ALL_WELL
    assert job.printed("stdout").endswith("\n[output cut at 65536 bytes]\n")
    assert len(job.printed("stdout")) < 66_000
    assert max(len(event["text"]) for event in job.of_type("output")) <= 16 * 1024
    assert grown_kib < 64 * 1024


def test_config_larger_than_a_pipe_reaches_the_child(run_plugin: RunPlugin) -> None:
    config = {"act": "measure_config", "filling": "x" * 3_000_000}
    job = run_plugin("misbehaving", config)
    assert job.results["misbehave"]["data"] == {"bytes": 3_000_000}


class Printed:
    """Keeps what a child prints."""

    def __init__(self, *, is_full: bool = False) -> None:
        self.chunks: list[bytes] = []
        self.is_full = is_full

    def feed(self, chunk: bytes) -> None:
        self.chunks.append(chunk)


def pumped(launcher: Launcher, script: str, wake: int | None = None) -> tuple[ChildPump, Printed]:
    out = Printed()
    running = launcher.spawn(Command(("/bin/sh", "-c", script), {}, Path("/")))
    return ChildPump(running, 1000, (out, Printed()), wake), out


def test_end_that_is_told_together_with_the_start_is_seen() -> None:
    supervisors: list[socket.socket] = []

    def hand_over(control: socket.socket) -> None:
        control.sendall(b'{"pid": 7}\n{"code": 3, "signal": null}\n')
        supervisors.append(control.dup())

    running = ask_for_child(hand_over, Command(("job",), {}, Path("/")), b"", 5)
    with supervisors[0], closing(ChildPump(running, 1000, (Printed(), Printed()), None)) as pump:
        assert list(pump.turn(0.1)) == []
        assert pump.exit == Exit(3, None)


def test_lines_and_output_come_through_until_the_end_is_known(launcher: Launcher) -> None:
    pump, out = pumped(launcher, "echo one >&3; echo out; echo two >&3; exit 3")
    with closing(pump):
        lines = []
        while pump.exit is None:
            lines += list(pump.turn(10))
    assert lines == [b"one", b"two"]
    assert b"".join(out.chunks) == b"out\n"
    assert pump.exit == Exit(3, None)


def test_wake_ends_a_long_wait(launcher: Launcher) -> None:
    read, write = os.pipe()
    pump, _ = pumped(launcher, "exec sleep 600", read)
    os.write(write, b"x")
    with closing(pump):
        assert list(pump.turn(600)) == []
        assert list(pump.turn(0)) == []
    os.close(read)
    os.close(write)


def test_channel_that_a_foreign_process_holds_delays_no_end(launcher: Launcher) -> None:
    running = launcher.spawn(Command(("/bin/true",), {}, Path("/")))
    foreign = os.open(f"/proc/self/fd/{running.stdout}", os.O_WRONLY)
    os.write(foreign, b"x")
    out = Printed()
    with closing(ChildPump(running, 1000, (out, Printed()), None)) as pump:
        while pump.exit is None:
            list(pump.turn(10))
    os.close(foreign)
    assert pump.exit == Exit(0, None)
    assert out.chunks == [b"x"]


def test_output_that_nobody_keeps_is_read_at_a_bounded_pace(launcher: Launcher) -> None:
    """Turns are counted, as times are not to be relied on: one for each piece that it dropped."""
    script = f"head -c {32 * LEFT_IN_PIPE_BYTES} /dev/zero; echo done >&3"
    running = launcher.spawn(Command(("/bin/sh", "-c", script), {}, Path("/")))
    full = Printed(is_full=True)
    began, turns, lines = time.monotonic(), 0, []
    with closing(ChildPump(running, 1000, (full, Printed()), None)) as pump:
        while pump.exit is None:
            lines += list(pump.turn(10))
            turns += 1
    assert lines == [b"done"]
    assert turns < 400  # 64 KiB at a time would have taken more than 500
    assert time.monotonic() - began >= 31 * LEFT_IN_PIPE_BYTES / DROPPED_BYTES_A_SECOND


def test_reading_what_was_printed_ends_while_more_is_written(launcher: Launcher) -> None:
    running = launcher.spawn(Command(("/bin/sh", "-c", "cat /dev/zero"), {}, Path("/")))
    out = Printed()
    with closing(ChildPump(running, 1000, (out, Printed()), None)) as pump:
        pump.read_printed()
        pump.read_printed()
    assert sum(map(len, out.chunks)) <= 2 * (LEFT_IN_PIPE_BYTES + 65536)
