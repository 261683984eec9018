import json
import shutil
from pathlib import Path

import pytest

from cli.main import main

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(REPOSITORY / "integrations", tmp_path / "integrations")
    shutil.copy(REPOSITORY / "integrations.json", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_pages_of_this_repository_are_fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(REPOSITORY)
    assert main(["docs", "--check"]) == 0


def test_missing_pages_are_told_and_written(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["docs", "--check"]) == 1
    assert "missing: docs/integrations/hello_world.md" in capsys.readouterr().out
    assert not (checkout / "docs").exists()
    assert main(["docs", "hello_world", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"written": ["docs/integrations/hello_world.md"]}
    assert (checkout / "docs/integrations/hello_world.md").is_file()
    assert main(["docs", "hello_world", "--check"]) == 0


@pytest.mark.usefixtures("checkout")
def test_a_near_miss_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["docs", "hello_wrld"]) == 2
    assert "did you mean 'hello_world'" in capsys.readouterr().err


def test_what_cannot_be_read_has_no_fresh_page(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    entry = checkout / "integrations/hello_world/entry.py"
    entry.write_text("def broken(:\n")
    assert main(["docs", "hello_world"]) == 3
    assert "integrations/hello_world/entry.py:1: " in capsys.readouterr().err
    (checkout / "integrations.json").write_text("[,]")
    for command in (["docs", "--check"], ["list"], ["run", "hello_world"]):
        assert main(command) == 2
        said = capsys.readouterr().err
        assert "integrations.json is not JSON: line 1, column 2" in said
        assert "push" not in said
    assert not (checkout / "docs").exists()


def test_a_page_of_somebody_is_not_overwritten(checkout: Path) -> None:
    page = checkout / "docs/integrations/hello_world.md"
    page.parent.mkdir(parents=True)
    page.write_text("# By hand\n")
    assert main(["docs", "hello_world"]) == 3
    assert page.read_text() == "# By hand\n"
