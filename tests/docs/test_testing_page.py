"""The examples of the pages on testing, run in a checkout that has what they name."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from utils.exchange_faults import Fault
from utils.exchange_file import exchange_of

if TYPE_CHECKING:
    from tests.docs.conftest import Block

REPOSITORY = Path(__file__).parents[2]


def test_its_tests_pass(read_blocks: "Callable[..., list[Block]]", tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    shutil.copytree(REPOSITORY / "tests" / "fixtures" / "kit", checkout)
    tests = checkout / "integrations" / "shop" / "tests"
    (tests / "test_shop.py").unlink()
    examples = read_blocks("docs/reference/testing.md", "python")
    for number, example in enumerate(examples):
        (tests / f"test_{number}.py").write_text(example.text)
    (checkout / "pytest.ini").write_text("[pytest]\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--import-mode=importlib", str(tests)],
        cwd=checkout,
        env={
            "PYTHONPATH": f"{checkout}:{REPOSITORY}",
            "PATH": os.environ["PATH"],
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout
    assert "4 passed" in done.stdout


def test_its_exchange_can_be_read(read_blocks: "Callable[..., list[Block]]") -> None:
    (example,) = read_blocks("docs/reference/exchanges.md", "json")
    assert exchange_of(json.loads(example.text)).task == "list_items"


def test_every_fault_stands_there() -> None:
    page = (REPOSITORY / "docs" / "reference" / "testing.md").read_text()
    assert [fault for fault in Fault if f"`{fault}`" not in page] == []
