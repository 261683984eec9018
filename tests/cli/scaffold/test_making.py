import json
import subprocess
from pathlib import Path

import pytest

from cli.scaffold import making
from cli.scaffold.making import make_integration
from cli.scaffold.wanted import CannotMake, Wanted

WANTED = Wanted("shop", "Shop", "A shop", "https://api.example.com", secret=True)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    root = tmp_path / "checkout"
    root.mkdir()
    subprocess.run(["/usr/bin/env", "git", "init", "-q", str(root)], check=True, timeout=60)
    return root


def tree(root: Path) -> set[str]:
    found = {path.relative_to(root).as_posix() for path in root.rglob("*")}
    return {path for path in found if not path.startswith(".git")}


def test_in_an_empty_repository_it_makes_the_manifest(checkout: Path) -> None:
    paths = make_integration(checkout, WANTED)
    assert {path for path in tree(checkout) if (checkout / path).is_file()} == set(paths)
    assert json.loads((checkout / "integrations.json").read_text()) == [WANTED.entry()]


def test_in_a_folder_below_it_finds_the_top(checkout: Path) -> None:
    make_integration(checkout, WANTED)
    other = Wanted("other", "Other", "o", "https://o.example", secret=False)
    make_integration(checkout / "integrations" / "shop", other)
    entries = json.loads((checkout / "integrations.json").read_text())
    assert [entry["name"] for entry in entries] == ["shop", "other"]


def test_outside_of_git_it_says_how_to_begin(tmp_path: Path) -> None:
    with pytest.raises(CannotMake, match="no Git repository"):
        make_integration(tmp_path, WANTED)


@pytest.mark.parametrize("taken", ["integrations/shop", "docs/integrations/shop.md"])
def test_what_is_there_is_left_alone(taken: str, checkout: Path) -> None:
    (checkout / taken).mkdir(parents=True)
    before = tree(checkout)
    with pytest.raises(CannotMake, match="there already"):
        make_integration(checkout, WANTED)
    assert tree(checkout) == before


def test_an_entry_of_that_name_is_left_alone(checkout: Path) -> None:
    (checkout / "integrations.json").write_text('[{"name": "shop"}]')
    with pytest.raises(CannotMake, match="already"):
        make_integration(checkout, WANTED)
    assert tree(checkout) == {"integrations.json"}


@pytest.mark.parametrize("step", ["files_of", "write_durably", "page_of"])
@pytest.mark.parametrize("manifest", [None, '[\n  {"name": "old", "title": "Old"}\n]\n'])
@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_a_step_that_fails_leaves_nothing(
    step: str,
    manifest: str | None,
    error: type[BaseException],
    checkout: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if manifest is not None:
        (checkout / "integrations.json").write_text(manifest)
    before = tree(checkout)
    original = getattr(making, step)
    calls = []

    def fail(*arguments: object, **keywords: object) -> object:
        calls.append(arguments)
        if len(calls) == 1:
            raise error("no space left")
        return original(*arguments, **keywords)  # what undoes it may write again

    monkeypatch.setattr(making, step, fail)
    with pytest.raises(error):
        make_integration(checkout, WANTED)
    assert tree(checkout) == before
    if manifest is not None:
        assert (checkout / "integrations.json").read_text() == manifest
