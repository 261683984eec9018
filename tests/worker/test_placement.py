import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from worker.link_farm import LinkFarm
from worker.placement import Placement, Tree

SITE = "lib/python3.11/site-packages"
MakeTree = Callable[..., Tree]
Put = Callable[[Sequence[Tree]], Path]


@pytest.fixture
def tree(tmp_path: Path) -> MakeTree:
    """Make a stored folder of files that hold their tree's name."""

    def make(name: str, *files: str, text: str = "", is_open: bool = False) -> Tree:
        path = tmp_path / "store" / name
        for file in files:
            (path / file).parent.mkdir(parents=True, exist_ok=True)
            (path / file).write_text(text or name)
        return Tree(path, "/made/here", is_open=is_open)

    return make


@pytest.fixture
def put(tmp_path: Path) -> Put:
    """Put an environment together and return where it is."""

    def make(trees: Sequence[Tree]) -> Path:
        final = tmp_path / "envs" / "key"
        final.mkdir(parents=True)
        Placement.of(trees).put(final, final, LinkFarm(tmp_path / "links"))
        return final

    return make


def links(environment: Path) -> list[str]:
    found = (path for path in environment.rglob("*") if path.is_symlink())
    return sorted(str(path.relative_to(environment)) for path in found)


def test_a_package_is_one_link(tree: MakeTree, put: Put) -> None:
    environment = put([tree("one", f"{SITE}/one/__init__.py", f"{SITE}/one-1.dist-info/RECORD")])
    assert links(environment) == [f"{SITE}/one", f"{SITE}/one-1.dist-info"]
    assert (environment / SITE / "one" / "__init__.py").read_text() == "one"


def test_only_what_packages_share_is_a_real_folder(tree: MakeTree, put: Put) -> None:
    environment = put(
        [
            tree("one", f"{SITE}/cloud/one/a.py", f"{SITE}/cloud/core/x/a.py", "share/one/a"),
            tree("two", f"{SITE}/cloud/two/a.py", f"{SITE}/cloud/core/y/a.py", "share/two/a"),
        ]
    )
    names = ("core/x", "core/y", "one", "two")
    assert links(environment) == [*(f"{SITE}/cloud/{it}" for it in names), "share/one", "share/two"]


def test_of_two_files_of_one_name_the_later_is_taken(tree: MakeTree, put: Put) -> None:
    environment = put(
        [
            tree("one", f"{SITE}/same/a.py", f"{SITE}/kind/a.py"),
            tree("two", f"{SITE}/same/a.py", f"{SITE}/kind"),
        ]
    )
    assert (environment / SITE / "same" / "a.py").read_text() == "two"
    assert (environment / SITE / "kind").read_text() == "two"


def test_an_open_package_has_no_folder_that_is_a_link(tree: MakeTree, put: Put) -> None:
    environment = put([tree("one", f"{SITE}/one/lib/a.so", is_open=True)])
    assert links(environment) == [f"{SITE}/one/lib/a.so"]


def test_scripts_name_their_own_environment(tree: MakeTree, put: Put) -> None:
    environment = put(
        [
            tree("one", "bin/named", text="#!/made/here/bin/python\n"),
            tree("two", "bin/found", text="#!/bin/sh\n"),
            tree("three", "bin/program", text="\x7fELF"),
        ]
    )
    assert (environment / "bin" / "named").read_text() == f"#!{environment}/bin/python\n"
    assert os.access(environment / "bin" / "named", os.X_OK)
    assert not (environment / "bin" / "found").is_symlink()  # it looks beside its real place
    assert links(environment) == ["bin/program"]


def test_changes_are_found(tree: MakeTree, put: Put) -> None:
    trees = [tree("one", f"{SITE}/one/a.py", "bin/one", text="#!/bin/sh\n")]
    environment = put(trees)
    placement = Placement.of(trees)
    assert placement.difference(environment) == ""
    (environment / SITE / "__pycache__").mkdir()
    assert placement.difference(environment) == ""
    (environment / SITE / "evil.pth").touch()
    assert "evil.pth, which nobody put there" in placement.difference(environment)
    (environment / SITE / "evil.pth").unlink()
    (environment / SITE / "one").unlink()
    assert f"{SITE}/one is missing" in placement.difference(environment)
