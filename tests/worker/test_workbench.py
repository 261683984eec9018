import os
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from worker.workbench import (
    KEPT_BYTES,
    BuildTimedOut,
    Displaced,
    ToolFailed,
    Workbench,
    read_made,
)


def bench(scratch: Path, seconds: float = 60) -> Workbench:
    return Workbench(scratch, {"PATH": os.environ["PATH"]}, time.monotonic() + seconds)


def test_a_tool_finds_a_home_of_its_own_and_nothing_of_the_workers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRUELINE_TOKEN", "secret")
    printed = bench(tmp_path).run("env")
    variables = dict(line.split("=", 1) for line in printed.splitlines() if "=" in line)
    assert variables["HOME"] == variables["TMPDIR"] == str(tmp_path)
    assert "secret" not in printed


def test_a_failed_tool_shows_both_outputs(tmp_path: Path) -> None:
    with pytest.raises(ToolFailed, match="sh ended with code 3") as raised:
        bench(tmp_path).run("sh", "-c", "echo one; echo two >&2; exit 3")
    assert sorted(raised.value.output.split()) == ["one", "two"]


def test_only_the_end_of_a_long_output_is_kept(tmp_path: Path) -> None:
    script = f"head -c {KEPT_BYTES * 4} /dev/zero | tr '\\0' x; echo the end"
    printed = bench(tmp_path).run("sh", "-c", script)
    assert printed.endswith("the end\n")
    assert len(printed) == KEPT_BYTES


def is_zombie(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_a_tool_that_hangs_is_ended_with_its_helpers(
    tmp_path: Path, eventually: Callable[[Callable[[], object]], None]
) -> None:
    script = "sleep 600 & echo $!; sleep 600"
    with pytest.raises(BuildTimedOut) as raised:
        bench(tmp_path, seconds=0.5).run("sh", "-c", script)
    helper = int(raised.value.output)
    eventually(lambda: not psutil.pid_exists(helper) or is_zombie(helper))


def test_no_tool_starts_after_the_deadline(tmp_path: Path) -> None:
    with pytest.raises(BuildTimedOut):
        bench(tmp_path, seconds=-1).run("sh", "-c", "sleep 5; touch started")
    assert not (tmp_path / "started").exists()


@pytest.mark.parametrize("code", [0, 1])
def test_a_tool_that_leads_elsewhere_is_refused_however_it_ends(tmp_path: Path, code: int) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    script = f"cd .. && mv scratch aside && ln -s /usr scratch; exit {code}"
    with pytest.raises(Displaced, match="in the place of the folder"):
        bench(scratch).run("sh", "-c", script)


def test_what_a_tool_made_is_read_and_no_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "made").write_text("all of it")
    assert read_made(tmp_path / "made") == "all of it"
    (tmp_path / "link").symlink_to("made")
    (tmp_path / "bytes").write_bytes(b"\xff")
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "bytes", "pipe", "absent"):
        with pytest.raises(Displaced):
            read_made(tmp_path / name)
