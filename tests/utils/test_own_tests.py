"""Tests of how an integration's own tests are run; with their environment in tests/cli."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).parents[2]
RUN = """
import json, sys
from types import SimpleNamespace
from utils.loader import open_snapshot
from utils.own_tests import run_tests

class Channel:
    def send(self, event):
        print(json.dumps(event), file=sys.stderr)

open_snapshot(sys.argv[1])
run_tests(SimpleNamespace(snapshot=sys.argv[1], integration="shop", only=()), Channel())
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "integrations" / "shop" / "tests").mkdir(parents=True)
    (tmp_path / "setup.cfg").write_text("[tool:pytest]\naddopts = --no-such-option\n")
    (tmp_path / "conftest.py").write_text("raise RuntimeError('of another project')\n")
    return tmp_path


def told(checkout: Path, text: str, tmp_path: Path) -> dict[str, Any]:
    (checkout / "integrations" / "shop" / "tests" / "test_it.py").write_text(text)
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(checkout)],
        env={
            "PYTHONPATH": str(REPOSITORY),
            "TMPDIR": str(tmp_path),
            "PATH": os.environ["PATH"],
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        },
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    event: dict[str, Any] = json.loads(done.stderr.splitlines()[-1])
    return event


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("def test_a(): pass\ndef test_b(): assert False\n", (1, 1, 1, 0)),
        ("import pytest\ndef test_a(): pytest.skip('x')\n", (0, 0, 0, 1)),
        ("import no_such_module\n", (2, 0, 1, 0)),
        ("", (5, 0, 0, 0)),
    ],
)
def test_tests_are_counted_and_settings_above_do_not_matter(
    checkout: Path, tmp_path: Path, text: str, counts: tuple[int, ...]
) -> None:
    event = told(checkout, text, tmp_path)

    assert tuple(event[name] for name in ("code", "passed", "failed", "skipped")) == counts


def test_what_run_task_notes_comes_with_the_counts(checkout: Path, tmp_path: Path) -> None:
    text = (
        "from utils.decorators import task\nfrom utils.testing import run_task\n"
        "@task(name='judge', title='J', type='insight')\n"
        "def judge(self, ctx): return {'data': {}}\n"
        "def test_judge(): run_task(judge).assert_pass()\n"
    )
    (checkout / "integrations" / "shop" / "entry.py").write_text(
        "from utils.base_runner import BaseRunner\nclass Runner(BaseRunner): pass\n"
    )
    (checkout / "integrations" / "shop" / "collectors.py").write_text(
        "from utils.decorators import task\n@task(name='c', title='C')\n"
        "def c(self, ctx): return {'data': {}}\n"
    )

    event = told(checkout, text, tmp_path)

    assert event["passed"] == 1
    assert json.loads(event["notes"][0])["verdict"] == "pass"
