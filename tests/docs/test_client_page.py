"""The example of the client's page runs against a real API."""

import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from utils.client.operations import Operations

if TYPE_CHECKING:
    from tests.served_api import Hand

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "client.md").read_text("utf-8")
AT = "2026-03-02T12:00:00Z"
END = {"seq": 1, "at": AT, "type": "job_finished", "status": "success", "error": None}


def test_example_runs(address: str, hand: "Hand", tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    script = tmp_path / "example.py"
    script.write_text(code)
    environ = {"PYTHONPATH": str(Path(__file__).parents[2])}
    worker = threading.Thread(target=lambda: hand.report(hand.lease(), END))
    worker.start()
    done = subprocess.run(
        [sys.executable, str(script), address],
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    worker.join()
    assert done.stderr == ""
    assert done.stdout.splitlines() == ["job_finished", "True"]


def test_methods_that_the_page_names_are_there() -> None:
    for name in re.findall(r"\b(?:list|read|decide)_[a-z_]+", PAGE):
        assert hasattr(Operations, name), name
