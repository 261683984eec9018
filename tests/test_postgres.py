import subprocess
import sys
import tempfile
from pathlib import Path

import psutil
import pytest

from tests import postgres

STARTED = """
import os, signal
from tests.postgres import PostgreSQL

server = PostgreSQL()
print(server.pid, server.folder, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_server_of_a_test_process_that_was_killed_is_ended_by_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", STARTED], capture_output=True, text=True, check=False, timeout=120
    )
    pid, _, folder = ran.stdout.strip().partition(" ")
    postmaster = psutil.Process(int(pid))
    assert postmaster.is_running(), ran.stderr
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    postgres.reap()
    assert postmaster.is_running()  # of another folder of temporary files: not ours
    monkeypatch.undo()
    postgres.reap()
    assert not psutil.pid_exists(int(pid))
    assert not Path(folder).exists()
