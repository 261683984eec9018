import json
from pathlib import Path

import pytest

from cli.main import main

ENTRY = "from utils.base_runner import BaseRunner\n\n\nclass Runner(BaseRunner):\n    pass\n"
TASK = """\
from utils.decorators import task


@task(name="look", title="Look", description="Looks")
def look(self, ctx):
    return {"data": {}}
"""
REPOSITORY = Path(__file__).parents[3]


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "integrations" / "eye"
    folder.mkdir(parents=True)
    (folder / "entry.py").write_text(ENTRY)
    (folder / "collectors").mkdir()
    (folder / "collectors" / "look.py").write_text(TASK)
    (tmp_path / "integrations.json").write_text('[{"name": "eye", "title": "E", "hosts": []}]')
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_an_error_exits_with_one_and_names_the_place(
    source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (source / "integrations/eye/insights.py").write_text("def broken(:\n")
    assert main(["check"]) == 1
    out = capsys.readouterr().out
    assert out.startswith("integrations/eye/insights.py:1: error [syntax] ")
    assert "1 error" in out


def test_warnings_count_with_strict_alone(source: Path) -> None:
    (source / "integrations/eye/requirements.txt").write_text("boto3\n")
    assert main(["check"]) == 0
    assert main(["check", "--strict"]) == 1


def test_a_path_narrows_what_is_told(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (source / "integrations/eye/requirements.txt").write_text("not a requirement\n")
    assert main(["check", "integrations/eye/collectors"]) == 0
    assert main(["check", "integrations/eye", "--json"]) == 1
    findings = json.loads(capsys.readouterr().out.partition("warnings")[2])["findings"]
    assert [finding["rule"] for finding in findings if finding["level"] == "error"] == [
        "requirement-invalid"
    ]


def test_sarif_is_written_beside(source: Path) -> None:
    assert main(["check", "--sarif", "found.sarif"]) == 0
    assert json.loads((source / "found.sarif").read_text())["version"] == "2.1.0"


def test_outside_of_a_repository_it_says_where_to_begin(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", str(tmp_path)]) == 2
    assert "trueline new" in capsys.readouterr().err


def test_markup_and_escapes_of_a_file_are_shown_as_text(
    source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (source / "integrations.json").write_text('[{"name": "[red]\\u001b[2J", "title": "E"}]')
    assert main(["check"]) == 1
    assert "\x1b[2J" not in capsys.readouterr().out


def test_the_integrations_of_this_repository_have_no_error() -> None:
    assert main(["check", str(REPOSITORY)]) == 0
