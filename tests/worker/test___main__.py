import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("TRUELINE_CONCURENCY", "3", "did you mean 'TRUELINE_CONCURRENCY'"),
        ("TRUELINE_LEASE_SECONDS", "-1", "TRUELINE_LEASE_SECONDS"),
        ("TRUELINE_API_URL", "nowhere", "http://127.0.0.1:8340"),
    ],
)
def test_wrong_setting_is_one_line_and_exit_code_2(
    tmp_path: Path, variable: str, value: str, words: str
) -> None:
    environ = {k: v for k, v in os.environ.items() if not k.startswith("TRUELINE_")}
    end = subprocess.run(
        [sys.executable, "-m", "worker"],
        cwd=tmp_path,
        env={**environ, variable: value},
        capture_output=True,
        text=True,
        check=False,
    )

    assert end.returncode == 2
    assert end.stderr.count("\n") == 1
    assert words in end.stderr
    assert end.stdout == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("argument", "code", "words"),
    [
        ("--help", 0, "usage: python -m worker"),
        ("--api-prot=1", 2, "unknown flag --api-prot (did you mean '--api-port'?)"),
        ("--api-port=many", 2, "setting --api-port: 'many' cannot be used"),
        ("--settings=/no/file", 2, "settings file /no/file cannot be read"),
    ],
)
def test_arguments_are_answered_with_how_to_use_it(argument: str, code: int, words: str) -> None:
    end = subprocess.run(
        [sys.executable, "-m", "worker", argument],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert end.returncode == code
    assert words in end.stdout + end.stderr
    assert "Traceback" not in end.stderr
