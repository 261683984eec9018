import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from utils.command import KEPT_STDERR_BYTES, DeadlinePassed, Spec, running


def spec(tmp_path: Path, *argv: str, seconds: float = 60, stdin: bytes = b"") -> Spec:
    return Spec(argv, {"PATH": os.environ["PATH"]}, tmp_path, seconds, stdin)


def test_output_and_exit_code_come_back(tmp_path: Path) -> None:
    with running(spec(tmp_path, "sh", "-c", "cat; exit 3", stdin=b"in")) as command:
        assert command.output.read() == b"in"
        assert command.finish() == 3


def test_a_command_without_input_sees_its_end_at_once(tmp_path: Path) -> None:
    with running(spec(tmp_path, "cat")) as command:
        assert command.output.read() == b""
        assert command.finish() == 0


def test_the_last_part_of_a_flood_on_stderr_is_kept(tmp_path: Path) -> None:
    flood = "import sys; sys.stderr.write('x' * 3_000_000 + 'end'); print('done')"
    with running(spec(tmp_path, sys.executable, "-c", flood)) as command:
        assert command.output.read() == b"done\n"
        assert command.finish() == 0
        assert len(command.stderr) == KEPT_STDERR_BYTES
        assert command.stderr.endswith(b"xend")


def test_end_by_a_signal_is_a_negative_code(tmp_path: Path) -> None:
    with running(spec(tmp_path, "sh", "-c", "kill -9 $$")) as command:
        assert command.finish() == -signal.SIGKILL


def test_deadline_takes_helpers_along_even_stubborn_ones(
    tmp_path: Path,
    processes_with: Callable[[str], list[int]],
    wait_until: Callable[[Callable[[], object]], None],
) -> None:
    mark = f"mark-{os.getpid()}-{time.monotonic_ns()}"
    helper = f"trap '' TERM; : {mark}; while :; do sleep 1; done"
    script = f'sh -c "{helper}" & sh -c "{helper}"'
    with (
        pytest.raises(DeadlinePassed),
        running(spec(tmp_path, "sh", "-c", script, seconds=0.3)) as command,
    ):
        command.output.read()
    wait_until(lambda: processes_with(mark) == [])


def test_a_helper_that_holds_the_pipes_does_not_outlive_its_leader(
    tmp_path: Path,
    processes_with: Callable[[str], list[int]],
    wait_until: Callable[[Callable[[], object]], None],
) -> None:
    mark = f"mark-{os.getpid()}-{time.monotonic_ns()}"
    script = f"sh -c ': {mark}; sleep 600' >/dev/null & exit 0"
    with running(spec(tmp_path, "sh", "-c", script)) as command:
        assert command.finish() == 0
    wait_until(lambda: processes_with(mark) == [])


def test_leaving_the_block_early_ends_the_command(tmp_path: Path) -> None:
    with running(spec(tmp_path, "sleep", "600")) as command:
        pid = command.pid
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_command_that_cannot_start_raises(tmp_path: Path) -> None:
    with (
        pytest.raises(FileNotFoundError),
        running(spec(tmp_path, str(tmp_path / "missing"))),
    ):
        pass


def test_it_runs_in_a_session_of_its_own(tmp_path: Path) -> None:
    with running(spec(tmp_path, "sh", "-c", "ps -o sid= -p $$ || true")) as command:
        session = command.output.read()
        assert command.finish() == 0
        if session.strip():
            assert int(session) == command.pid
    assert subprocess.run(["true"], check=False).returncode == 0


def test_a_watch_that_raises_ends_a_command_and_its_helpers(
    tmp_path: Path,
    processes_with: Callable[[str], list[int]],
    wait_until: Callable[[Callable[[], object]], None],
) -> None:
    mark = f"mark-{os.getpid()}-{time.monotonic_ns()}"
    file = tmp_path / "file"
    script = f"sh -c ': {mark}; sleep 60' & echo x > file; sleep 60; : {mark}"

    def watch() -> None:
        if file.exists():
            raise ValueError("seen")

    watched = replace(spec(tmp_path, "sh", "-c", script), watch=watch)
    with pytest.raises(ValueError, match="seen"), running(watched) as command:
        command.output.read()
    wait_until(lambda: processes_with(mark) == [])


def test_a_watch_that_is_content_changes_nothing(tmp_path: Path) -> None:
    looks: list[int] = []
    script = "sleep 0.3; echo out"
    watched = replace(spec(tmp_path, "sh", "-c", script), watch=lambda: looks.append(1))
    with running(watched) as command:
        assert command.output.read() == b"out\n"
        assert command.finish() == 0
    assert len(looks) > 1
