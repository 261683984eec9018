import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from utils.errors import SourceError
from utils.locks import source_lock

Start = Callable[..., subprocess.Popen[str]]
HOLD = """
import subprocess, sys
from pathlib import Path
from utils.locks import source_lock
with source_lock(Path(sys.argv[1]), 60, "x"):
    child = subprocess.Popen(["sleep", "600"])
    print(child.pid, flush=True)
    sys.stdin.read()
"""


def test_a_lock_is_waited_for_with_a_bound(tmp_path: Path) -> None:
    path = tmp_path / "new" / "lock"
    with (
        source_lock(path, 1, "the thing"),
        pytest.raises(SourceError, match=r"^the thing: another process") as refused,
        source_lock(path, 0.05, "the thing"),
    ):
        pass
    assert str(path) in refused.value.advice
    with source_lock(path, 0.05, "the thing"):
        pass


def test_a_killed_owner_leaves_it_free_though_its_child_lives(
    tmp_path: Path, run_python: Start
) -> None:
    path = tmp_path / "lock"
    owner = run_python(HOLD, path)
    assert owner.stdout is not None
    child = int(owner.stdout.readline())
    owner.kill()
    owner.wait(20)
    with source_lock(path, 20, "the thing"):
        assert Path(f"/proc/{child}").exists()
    subprocess.run(["kill", str(child)], check=True)
    owner.stdout.close()
    assert owner.stderr is not None
    owner.stderr.close()
