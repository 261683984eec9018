"""Makes a new integration in a checkout: folder, manifest entry and page, all or nothing."""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from cli.pages.page import FOLDER, page_of
from cli.reading.integration_folder import read_folder
from cli.reading.repository import NoRepository, Repository, find_repository
from cli.scaffold.files import files_of
from cli.scaffold.manifest_text import with_entry
from cli.scaffold.wanted import CannotMake, Wanted
from utils.files import write_durably
from utils.manifest import MANIFEST
from utils.tree import INTEGRATIONS

Undo = Callable[[Callable[[], object]], object]


def make_integration(start: Path, wanted: Wanted) -> list[str]:
    """Make it in the checkout at or above `start`; return the paths that were written.

    A step that fails leaves nothing of the steps before it.
    """
    root = find_checkout(start)
    home = root / INTEGRATIONS / wanted.name
    page = root / FOLDER / f"{wanted.name}.md"
    for taken in (home, page):
        if taken.exists() or taken.is_symlink():
            shown = taken.relative_to(root).as_posix()
            raise CannotMake(f"{shown} is there already", "take another name, or move it away")
    manifest = root / MANIFEST
    text = _read(manifest)
    entries = with_entry(text if text is not None else "[]\n", wanted.entry())
    with _undone() as undo:
        _make_parents(home.parent, undo)
        _make_folder(home, files_of(wanted), undo)
        undo(lambda: _restore(manifest, text))
        write_durably(manifest, entries.encode(), 0o644)
        _make_parents(page.parent, undo)
        repository = Repository(root)
        made = page_of(root, read_folder(root, wanted.name), repository.entry(wanted.name))
        undo(lambda: page.unlink(missing_ok=True))
        write_durably(page, made.wanted.encode(), 0o644)
    files = sorted(path for path in home.rglob("*") if path.is_file())
    return [path.relative_to(root).as_posix() for path in (manifest, *files, page)]


def find_checkout(start: Path) -> Path:
    """Return the repository of integrations, or the Git repository that is to become one."""
    try:
        return find_repository(start).root
    except NoRepository:
        for folder in (start.resolve(), *start.resolve().parents):
            if (folder / ".git").exists():
                return folder
    raise CannotMake(
        f"{start} is in no Git repository", "make one with `git init`, and run this in it"
    )


def _make_folder(home: Path, files: Mapping[str, str], undo: Undo) -> None:
    """Write the files into a folder beside and give it its name when it is whole."""
    aside = Path(tempfile.mkdtemp(prefix=f".{home.name}-", dir=home.parent))
    undo(lambda: shutil.rmtree(aside, ignore_errors=True))
    aside.chmod(0o755)
    for name, text in files.items():
        path = aside / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    undo(lambda: shutil.rmtree(home, ignore_errors=True))
    aside.rename(home)


@contextmanager
def _undone() -> Iterator[Undo]:
    """Undo the steps that were named, latest first, when what is inside fails."""
    with ExitStack() as stack:
        yield stack.callback
        stack.pop_all()


def _make_parents(folder: Path, undo: Undo) -> None:
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    for one in reversed(missing):
        one.mkdir()
        undo(one.rmdir)


def _read(path: Path) -> str | None:
    try:
        return path.read_bytes().decode()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise CannotMake(f"{path.name} cannot be read: {error}", "correct it first") from error


def _restore(manifest: Path, text: str | None) -> None:
    if text is None:
        manifest.unlink(missing_ok=True)
    else:
        write_durably(manifest, text.encode(), 0o644)
