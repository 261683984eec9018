"""What of a source on this machine's disk jobs may read: the repository, never the files beside."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

_POINTER = "gitdir: "


def repository_folders(url: str) -> tuple[Path, ...]:
    """Return the folders that git needs to read the source; none for one on another machine."""
    parts = urlsplit(url)
    if parts.scheme not in {"file", ""} or not parts.path.startswith("/"):
        return ()
    folder = Path(unquote(parts.path) if parts.scheme else url)
    return tuple(dict.fromkeys(path for path in _of_checkout(folder) if path.exists()))


def _of_checkout(folder: Path) -> Iterator[Path]:
    entry = folder / ".git"
    if entry.is_dir():
        yield from _of_repository(entry)
    elif entry.is_file():  # a further work tree: its repository lies elsewhere
        yield entry
        yield from _of_repository(folder / _text(entry).removeprefix(_POINTER))
    else:
        yield from _of_repository(folder)


def _of_repository(git: Path) -> Iterator[Path]:
    yield git
    common = _text(git / "commondir")
    if common:
        git = (git / common).resolve()
        yield git
    for line in _text(git / "objects" / "info" / "alternates").splitlines():
        yield (git / "objects" / line).resolve()


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""
