import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from utils.job_child import point_at_nothing

RunChild = Callable[..., Any]


def test_order_is_read_and_its_job_run(run_child: RunChild) -> None:
    assert run_child("prints_events").kinds[-1] == "finished"


def test_what_points_at_nothing_reads_as_empty_and_swallows(tmp_path: Path) -> None:
    file = os.open(tmp_path / "file", os.O_CREAT | os.O_RDWR)
    os.write(file, b"here")
    point_at_nothing(file)
    assert os.write(file, b"gone") == 4
    assert os.read(file, 10) == b""
    assert (tmp_path / "file").read_bytes() == b"here"
    os.close(file)
