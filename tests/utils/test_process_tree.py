import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from utils.process_tree import (
    Process,
    children,
    descendants,
    kill_round,
    read_process,
    read_process_table,
)

# A process that has a tree below it, ends it by `end_descendants`, and says what it reaped.
ENDER = """
import ctypes, os, sys, time
sys.path.insert(0, sys.argv[1])
from utils.process_tree import end_descendants, children
from utils.supervisor import become_subreaper, load_prctl
become_subreaper(load_prctl())
def fork_tree(levels):
    for _ in range(2):
        if os.fork() == 0:
            if levels > 1:
                os.setsid()
                fork_tree(levels - 1)
            os.write(1, f"{os.getpid()}\\n".encode())
            while True:
                time.sleep(100)
group = os.fork()
if group == 0:
    os.setpgid(0, 0)
    fork_tree(int(sys.argv[2]))
    os._exit(0)
input()
reaped = end_descendants(10, group, sys.argv[3])
print("left", len(children()), "reaped", len(reaped), flush=True)
"""


@pytest.fixture
def ender() -> Callable[[int, str], tuple[list[int], str]]:
    """End a tree of so many levels; return the pids that were in it, and what was said then."""

    def end(levels: int, proc: str) -> tuple[list[int], str]:
        root = str(Path(__file__).parents[2])
        command = [sys.executable, "-c", ENDER, root, str(levels), proc]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            expected = 2 ** (levels + 1) - 2
            pids = [int(process.stdout.readline()) for _ in range(expected)]
            process.stdin.write("\n")
            process.stdin.flush()
            return pids, process.stdout.readline().strip()

    return end


def test_descendants_are_all_below_and_parents_come_first() -> None:
    table = [Process(5, 4, 0), Process(4, 1, 0), Process(9, 2, 0), Process(6, 5, 0)]
    assert [process.pid for process in descendants(1, table)] == [4, 5, 6]


def test_descendants_of_a_process_without_children_are_none() -> None:
    assert descendants(7, [Process(5, 4, 0)]) == []


def test_own_process_is_in_the_table_with_its_parent() -> None:
    own = read_process(os.getpid())
    assert own is not None
    assert own.parent == os.getppid()
    assert own in read_process_table()


def test_name_with_spaces_and_brackets_is_read_over(tmp_path: Path) -> None:
    fields = " ".join(["S", "42", *["0"] * 17, "777", "0"])
    (tmp_path / "12").mkdir()
    (tmp_path / "12" / "stat").write_text(f"12 (a) b) (c) {fields}\n")
    assert read_process_table(str(tmp_path)) == [Process(12, 42, 777)]


def test_process_that_is_gone_is_none(tmp_path: Path) -> None:
    assert read_process(12, str(tmp_path)) is None
    assert read_process_table(str(tmp_path / "absent")) == []


def test_whole_tree_of_many_sessions_is_ended_and_reaped(
    ender: Callable[[int, str], tuple[list[int], str]],
) -> None:
    pids, said = ender(5, "/proc")
    assert said == f"left 0 reaped {len(pids) + 1}"


def test_group_is_ended_where_there_is_no_proc(
    ender: Callable[[int, str], tuple[list[int], str]], tmp_path: Path
) -> None:
    pids, said = ender(1, str(tmp_path / "absent"))
    assert said.startswith("left 0")
    assert len(pids) == 2


def test_children_that_are_spared_live_on() -> None:
    with subprocess.Popen(["/bin/sleep", "100"]) as spared:
        with subprocess.Popen(["/bin/sleep", "100"]) as other:
            others = set(children()) - {other.pid}
            assert spared.pid in others
            assert kill_round(others) == 1
            assert other.wait() == -9
        time.sleep(0)
        assert spared.poll() is None
        spared.kill()
