"""Puts stored folders together into one environment: links, and real folders where they meet."""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from worker.environment import STORE
from worker.link_farm import LinkFarm, hard_link

_ALWAYS_REAL = re.compile(r"bin|lib|lib/python[^/]*|lib/python[^/]*/site-packages")
_SCRIPTS = "bin/"
_BYTECODE = "__pycache__"


@dataclass(frozen=True)
class Tree:
    """A stored folder, laid out as an environment is; its scripts name `prefix` as theirs.

    Of an open one no folder is a link: its libraries look for others beside themselves.
    """

    path: Path
    prefix: str = ""
    is_open: bool = False


@dataclass(frozen=True)
class Placement:
    """By relative path: the tree that a link leads into, or None for a real folder."""

    places: Mapping[str, Tree | None]

    @classmethod
    def of(cls, trees: Sequence[Tree]) -> "Placement":
        """Decide; of two files of one name the later tree's is taken."""
        places: dict[str, Tree | None] = {}
        _decide("", trees, places)
        return cls(places)

    def put(self, environment: Path, final: Path, links: LinkFarm) -> None:
        """Make it, in an environment that will have the name `final`."""
        start = f"{environment}/"
        for name, tree in self.places.items():
            if tree is None:
                Path(start + name).mkdir(exist_ok=True)
            elif _is_script(name, tree):
                _put_script(tree, name, Path(start + name), final)
            else:
                links.symlink(start + name, _link(name, tree), tree.path.name)

    def difference(self, environment: Path) -> str:
        """Say what is not as it was put; empty when all is."""
        for name, tree in self.places.items():
            path = environment / name
            if tree is None:
                extra = _names(path) - _below(name, self.places) - {_BYTECODE}
                if name.startswith("lib/") and extra:
                    return f"{name} has {min(extra)}, which nobody put there"
            elif not _is_put(path, name, tree):
                return f"{name} is missing or was changed"
        return ""


def _decide(folder: str, trees: Sequence[Tree], places: dict[str, Tree | None]) -> None:
    owners: dict[str, list[Tree]] = {}
    for tree in trees:
        for name in sorted(_names(f"{tree.path}/{folder}")):
            owners.setdefault(f"{folder}/{name}" if folder else name, []).append(tree)
    for path, found in owners.items():
        last = found[-1]
        alone = len(found) == 1 and not last.is_open and not _ALWAYS_REAL.fullmatch(path)
        if alone or not _is_folder(last, path):
            places[path] = last
        else:
            places[path] = None
            _decide(path, [tree for tree in found if _is_folder(tree, path)], places)


def _link(name: str, tree: Tree) -> str:
    """Return where a link leads, from `envs/<key>/<name>` to `store/<tree>/<name>`."""
    up = "../" * (name.count("/") + 2)
    return f"{up}{STORE}/{tree.path.name}/{name}"


def _is_put(path: Path, name: str, tree: Tree) -> bool:
    if _is_script(name, tree):
        return path.is_file()
    try:
        return str(path.readlink()) == _link(name, tree)
    except OSError:
        return False


def _is_script(name: str, tree: Tree) -> bool:
    """Tell text from programs: a script finds its interpreter by its own place."""
    if not name.startswith(_SCRIPTS) or (tree.path / name).is_dir():
        return False
    with (tree.path / name).open("rb") as file:
        return file.read(2) == b"#!"


def _put_script(tree: Tree, name: str, path: Path, final: Path) -> None:
    script = tree.path / name
    content = script.read_bytes()
    own, wanted = os.fsencode(tree.prefix), os.fsencode(final)
    if own and own in content:
        content = content.replace(own, wanted)
    elif hard_link(script, path):
        return
    path.write_bytes(content)
    path.chmod(0o555)


def _below(folder: str, places: Mapping[str, object]) -> set[str]:
    start = f"{folder}/"
    return {
        name.removeprefix(start)
        for name in places
        if name.startswith(start) and "/" not in name.removeprefix(start)
    }


def _is_folder(tree: Tree, name: str) -> bool:
    return os.path.isdir(f"{tree.path}/{name}")  # noqa: PTH112 - as below


def _names(folder: str | Path) -> set[str]:
    try:
        return set(os.listdir(folder))  # noqa: PTH208 - ten times as fast, and done for every package
    except (FileNotFoundError, NotADirectoryError):
        return set()
