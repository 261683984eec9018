import os
import subprocess
import sys
from pathlib import Path

from worker.memory import memory_bytes

HOLDER = "hoard = bytearray(b'x') * 50_000_000; print('held', flush=True); input()"


def test_memory_that_a_process_holds_is_counted() -> None:
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", HOLDER], stdin=pipe, stdout=pipe) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        assert 50_000_000 < memory_bytes([holder.pid]) < 100_000_000
        holder.communicate(b"\n")


def test_process_that_is_gone_takes_nothing() -> None:
    with subprocess.Popen(["/bin/true"]) as gone:
        gone.wait()
    assert memory_bytes([gone.pid]) == 0


def test_resident_pages_stand_in_where_shares_are_not_told(tmp_path: Path) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "statm").write_text("1000 20 10 1 0 5 0\n")
    assert memory_bytes([7], tmp_path) == 20 * os.sysconf("SC_PAGE_SIZE")
