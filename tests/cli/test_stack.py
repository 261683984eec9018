import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from cli.stack import Stack, StackError
from utils.settings import read_settings


def own(environ: Mapping[str, str], tmp_path: Path, **more: str) -> dict[str, str]:
    return {**environ, "TRUELINE_DATA_DIR": str(tmp_path / "data"), **more}


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_a_process_that_ends_by_itself_is_noticed_with_its_log(
    environ: Mapping[str, str], tmp_path: Path
) -> None:
    mine = own(environ, tmp_path)
    with Stack(read_settings(mine, tmp_path), mine) as stack:
        stack.check()
        os.kill(stack.pids["worker"], signal.SIGKILL)
        end = time.monotonic() + 30
        while is_running(stack.pids["worker"]):
            assert time.monotonic() < end
        with pytest.raises(StackError, match="the worker was killed by SIGKILL") as told:
            stack.check()
        assert "worker.log" in told.value.advice


def test_waiting_for_the_worker_has_an_end_and_nothing_is_left_when_the_stack_ends(
    environ: Mapping[str, str], tmp_path: Path
) -> None:
    mine = own(environ, tmp_path, TRUELINE_SOURCE_URL=(tmp_path / "none").as_uri())
    with Stack(read_settings(mine, tmp_path), mine) as stack:
        pids = dict(stack.pids)
        with pytest.raises(StackError, match="the worker was not ready within 0 s") as told:
            stack.wait_until_ready(0)
        assert "worker.log" in told.value.advice
    assert pids.keys() == {"api", "worker"}
    assert not any(is_running(pid) for pid in pids.values())


def test_an_api_that_cannot_start_says_why_and_leaves_nothing(
    environ: Mapping[str, str], tmp_path: Path
) -> None:
    mine = own(environ, tmp_path, TRUELINE_API_HOST="0.0.0.0")
    stack = Stack(read_settings(mine, tmp_path), mine)
    with pytest.raises(StackError, match=r"the api ended with code 2.*0\.0\.0\.0"), stack:
        pass
    assert stack.pids == {}
