import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).parents[2]
PREAMBLE = """
import json, os, resource, signal, subprocess, sys, tempfile
sys.path.insert(0, sys.argv[1])
from utils.confinement import confine, enclose, seal
walls = json.loads(sys.argv[2])
seal()
confine(walls)
def tried(act, *arguments):
    try:
        act(*arguments)
    except OSError as error:
        return type(error).__name__
    return "done"
"""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A job's directory, beside another job's."""
    (tmp_path / "group" / "sibling").mkdir(parents=True)
    (tmp_path / "group" / "sibling" / "file").write_text("secret")
    (tmp_path / "environment").mkdir()
    (tmp_path / "environment" / "module.py").write_text("")
    job = tmp_path / "group" / "job"
    job.mkdir()
    return job


def confined(directory: Path, expression: str, **walls: Any) -> str:
    script = f"{PREAMBLE}\nprint({expression})"
    command = [sys.executable, "-I", "-S", "-c", script, str(REPOSITORY), json.dumps(walls)]
    environ = {"TMPDIR": str(directory)}
    end = subprocess.run(
        command, cwd=directory, env=environ, capture_output=True, text=True, check=True
    )
    return end.stdout.strip()


@pytest.mark.parametrize(
    ("act", "answer"),
    [
        ("open, 'new', 'w'", "done"),
        ("tempfile.mkdtemp", "done"),
        ("open, os.devnull, 'w'", "done"),
        ("open, '/dev/urandom', 'rb'", "done"),
        ("open, '/etc/hosts'", "done"),
        ("open, '/proc/self/status'", "done"),
        ("open, '../../environment/module.py'", "done"),
        ("open, '../../environment/module.py', 'a'", "PermissionError"),
        ("open, '../../environment/new.py', 'w'", "PermissionError"),
        ("open, '../sibling/file'", "PermissionError"),
        ("open, '../sibling/file', 'a'", "PermissionError"),
        ("os.listdir, '..'", "PermissionError"),
        ("os.mkdir, '../another'", "PermissionError"),
        ("open, '/tmp/new', 'w'", "PermissionError"),
        ("open, '/etc/new', 'w'", "PermissionError"),
    ],
)
def test_enclosed_job_writes_below_its_directory_alone(
    directory: Path, act: str, answer: str
) -> None:
    assert confined(directory, f"tried({act})", enclosed=True) == answer


def test_signals_reach_its_own_processes_alone(directory: Path) -> None:
    assert confined(directory, f"tried(os.kill, {os.getpid()}, 0)", enclosed=True) == (
        "PermissionError"
    )
    started = "(lambda it: (it.kill(), it.wait())[1])(subprocess.Popen(['/bin/sleep', '600']))"
    assert confined(directory, started, enclosed=True) == "-9"


def test_multiprocessing_finds_its_locks(directory: Path) -> None:
    lock = "__import__('multiprocessing').Lock().acquire()"
    assert confined(directory, lock, enclosed=True) == "True"


def test_limits_are_set_as_pairs_and_never_above_what_holds(directory: Path) -> None:
    pair = "resource.getrlimit(resource.RLIMIT_CPU)"
    assert confined(directory, pair, limits={"RLIMIT_CPU": [60, 65]}) == "(60, 65)"
    again = f"[confine({{'limits': {{'RLIMIT_CPU': [90, 90]}}}}), {pair}][1]"
    assert confined(directory, again, limits={"RLIMIT_CPU": [60, 65]}) == "(65, 65)"


def test_nothing_is_confined_unless_said(directory: Path) -> None:
    assert confined(directory, "tried(open, '../sibling/file', 'a')") == "done"


def test_sealed_process_shows_its_memory_to_nobody(directory: Path) -> None:
    status = "[line.split()[1] for line in open('/proc/self/status') if 'NoNewPrivs' in line]"
    assert confined(directory, status) == "['1']"
    look = "__import__('utils.system_calls').system_calls.prctl(3)"
    assert confined(directory, look) == "0"
