import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from cli.scaffold.files import files_of
from cli.scaffold.wanted import Wanted

REPOSITORY = Path(__file__).parents[3]
CASES = [
    Wanted("shop", "Shop", "A shop", "https://api.example.com", secret=True),
    Wanted("a" * 64, "A", "A", "https://h.example:8443/api/v1", secret=False),
]


@pytest.mark.parametrize("wanted", CASES)
def test_every_file_can_be_read(wanted: Wanted) -> None:
    for name, text in files_of(wanted).items():
        if name.endswith(".py"):
            ast.parse(text)
        elif name.endswith(".json"):
            json.loads(text)


@pytest.mark.parametrize("wanted", CASES)
@pytest.mark.parametrize("width", [88, 100])
def test_linter_and_formatter_have_nothing_to_say(
    wanted: Wanted, width: int, tmp_path: Path
) -> None:
    for name, text in files_of(wanted).items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    ruff = [str(Path(sys.executable).with_name("ruff"))]
    asked = ["--isolated", "--no-cache", "--line-length", str(width), str(tmp_path)]
    for command in (["check", "--select", "E4,E7,F,I,B,UP,RUF,SIM,D4"], ["format", "--check"]):
        ended = subprocess.run(
            [*ruff, *command, *asked], capture_output=True, text=True, timeout=60, check=False
        )
        assert ended.returncode == 0, ended.stdout


def test_the_templates_are_part_of_what_is_installed() -> None:
    ignored = (REPOSITORY / ".gitignore").read_text()
    assert "templates" not in ignored
    assert {"entry.py", "collectors/list_items.py", "tests/test_tasks.py"} <= set(
        files_of(CASES[0])
    )
