import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    ("argument", "code", "words"),
    [
        ("--help", 0, "usage: python -m worker"),
        ("--api-prot=1", 2, "unknown flag --api-prot (did you mean '--api-port'?)"),
    ],
)
def test_arguments_are_answered_with_how_to_use_it(
    tmp_path: Path, argument: str, code: int, words: str
) -> None:
    environ = {k: v for k, v in os.environ.items() if not k.startswith("TRUELINE_")}
    end = subprocess.run(
        [sys.executable, "-m", "worker", argument],
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert end.returncode == code
    assert words in end.stdout + end.stderr
    assert (end.stderr.count("\n"), bool(end.stdout)) == ((1, False) if code else (0, True))
    assert list(tmp_path.iterdir()) == []
