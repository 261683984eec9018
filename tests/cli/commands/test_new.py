import io
import json
import subprocess
from pathlib import Path

import pytest

from cli.main import main


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "checkout"
    root.mkdir()
    subprocess.run(["/usr/bin/env", "git", "init", "-q", str(root)], check=True, timeout=60)
    monkeypatch.chdir(root)
    monkeypatch.setenv("TRUELINE_DATA_DIR", str(tmp_path / "data"))
    return root


def entry_of(checkout: Path) -> dict[str, object]:
    (entry,) = json.loads((checkout / "integrations.json").read_text())
    found: dict[str, object] = entry
    return found


def test_flags_say_what_it_is(checkout: Path) -> None:
    flags = ["--title", 'The "shop"', "--description", "It's a 'shop' \\ <b>", "--no-secret"]
    url = "http://shop.example:8080/api"
    assert main(["new", "shop", *flags, "--base-url", url]) == 0
    entry = entry_of(checkout)
    assert (entry["title"], entry["hosts"]) == ('The "shop"', ["shop.example:8080"])
    assert "token" not in json.dumps(entry)
    assert main(["check", "--strict"]) == 0


def test_what_no_flag_says_is_asked(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("My shop\n\n\nn\n"))
    assert main(["new", "shop", "--json"]) == 0
    assert "docs/integrations/shop.md" in json.loads(capsys.readouterr().out)["written"]
    entry = entry_of(checkout)
    assert (entry["title"], entry["description"]) == ("My shop", "What My shop tells us.")
    assert entry["hosts"] == ["api.example.com"]


@pytest.mark.usefixtures("checkout")
def test_when_nobody_answers_nothing_is_made(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert main(["new", "shop"]) == 130
    assert not (tmp_path / "checkout" / "integrations").exists()


@pytest.mark.usefixtures("checkout")
def test_a_bad_name_is_told_before_anything_is_asked(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new", "My Shop"]) == 2
    said = capsys.readouterr().err
    assert "small letters" in said
    assert "did you mean 'my_shop'?" in said


def test_a_place_that_cannot_be_written_to_is_named(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (checkout / "integrations").symlink_to("/sys/kernel")  # where not even root makes a folder
    assert main(["new", "shop", "--yes"]) == 3
    said = capsys.readouterr().err
    assert "defect" not in said
    assert "integrations/.shop-" in said
