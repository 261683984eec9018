"""Which folders a Python interpreter needs to start; they lie in the oddest places."""

import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_MOST_LINKS = 40  # as the kernel follows
_CONFIGURATION = "pyvenv.cfg"


def interpreter_folders(python: Path) -> tuple[Path, ...]:
    """Return what has to be readable at its own path for `python` to run.

    That is its own environment, each place that it links to, and the installation behind it.
    """
    folders: dict[Path, None] = {}
    for link in _links(python):
        folders.update(dict.fromkeys(_tree_of(link)))
        folders.update(dict.fromkeys(_home_of(link)))
    return tuple(folders)


def _links(python: Path) -> Iterator[Path]:
    yield python.resolve()
    for _ in range(_MOST_LINKS):
        yield python
        if not python.is_symlink():
            return
        python = python.parent / python.readlink()


def _home_of(python: Path) -> Iterator[Path]:
    """Yield the installation that a virtual environment names as the one it stands on."""
    try:
        text = (python.parent.parent / _CONFIGURATION).read_text(encoding="utf-8")
    except OSError:
        return
    for line in text.splitlines():
        key, _, value = line.partition("=")
        if key.strip() == "home":
            yield from _tree_of(Path(value.strip()) / python.name)


def _tree_of(python: Path) -> Iterator[Path]:
    folder = Path(*_without_dots(python.parent.parent))
    if not _is_wide(folder):
        yield folder
        return
    library = folder / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}"
    yield from (path for path in (python, library) if path.exists())


def _is_wide(folder: Path) -> bool:
    """Whether a folder holds much that is not Python's: `~/bin/python` lies in such a one."""
    return len(folder.parts) < 2 or folder in {*_own_home(), Path("/opt"), Path("/srv")}


def _own_home() -> Iterator[Path]:
    with suppress(RuntimeError):  # a container's user may have none, and no $HOME
        yield Path.home()


def _without_dots(path: Path) -> list[str]:
    parts: list[str] = []
    for part in path.parts:
        if part == "..":
            parts.pop()
        else:
            parts.append(part)
    return parts
