import json
import subprocess
from pathlib import Path

import pytest

from cli.main import main

REPOSITORY = Path(__file__).parents[3]


def test_it_lists_what_is_in_the_checkout(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(REPOSITORY / "docs")
    assert main(["list", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["hello_world"]["state"] == "enabled"
    assert rows["hello_world"]["tasks"][0] == {
        "name": "list_items",
        "type": "collector",
        "title": "List the items",
    }
    assert main(["list"]) == 0
    assert "Hello world" in capsys.readouterr().out


def test_a_broken_one_is_pointed_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "integrations.json").write_text('[{"name": "gone", "title": "Gone"}]')
    monkeypatch.chdir(tmp_path)
    assert main(["list"]) == 0
    assert "trueline check" in capsys.readouterr().out


def test_with_nothing_there_it_says_how_to_begin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    subprocess.run(["/usr/bin/env", "git", "init", "-q", str(tmp_path)], check=True, timeout=60)
    monkeypatch.chdir(tmp_path)
    assert main(["list"]) == 2
    assert "trueline new" in capsys.readouterr().err
    (tmp_path / "integrations.json").write_text("[]")
    assert main(["list"]) == 0
    assert "trueline new" in capsys.readouterr().out
