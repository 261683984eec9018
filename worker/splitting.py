"""Takes an installed environment apart: one folder for each distribution in it."""

import csv
import os
import shutil
from base64 import urlsafe_b64decode
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import canonicalize_name

from worker.errors import WorkerError
from worker.tree_marks import files_below

INFO = ".dist-info"


@dataclass(frozen=True)
class Split:
    """By canonical name: the folders, and what their authors say that the files in them hash to.

    `clashing` are those that claim files of others.
    """

    trees: dict[str, Path]
    hashes: dict[str, dict[str, str]]
    clashing: frozenset[str]


def split(prefix: Path, into: Path) -> Split:
    """Move each distribution's files from an environment to `<into>/<name>`, paths as they were.

    What several bring with equal content is copied for each. Where contents differ only the last
    one installed is there, so the distributions concerned are left alone and named.
    """
    site = site_packages(prefix).relative_to(prefix).as_posix()
    present = {name for name, stat in files_below(prefix) if _is_plain(stat)}
    claims: dict[str, dict[str, str]] = {
        canonicalize_name(info.name.partition("-")[0]): _claims(info, site, present)
        for info in sorted((prefix / site).glob(f"*{INFO}"))
    }
    clashing = _clashing(claims)
    count = Counter(path for name, own in claims.items() if name not in clashing for path in own)
    trees: dict[str, Path] = {}
    for name, own in claims.items():
        if name not in clashing:
            trees[name] = into / name
            for path in own:
                count[path] -= 1
                _move(prefix / path, into / name / path, is_last=not count[path])
    hashes = {name: _hashes(claims[name]) for name in trees}
    return Split(trees, hashes, frozenset(clashing))


def site_packages(prefix: Path) -> Path:
    """Return the folder that packages are installed into."""
    return next((prefix / "lib").glob("python*/site-packages"))


def _is_plain(stat: os.stat_result) -> bool:
    return stat.st_mode & 0o170000 == 0o100000


def _claims(info: Path, site: str, present: set[str]) -> dict[str, str]:
    """Return a distribution's files and their recorded hashes.

    Build code may have written RECORD: only plain files that were found count, so neither a link
    nor a path that leads out is followed.
    """
    record = info / "RECORD"
    own = f"{site}/{info.name}/"
    if own + "RECORD" not in present:
        raise WorkerError(
            f"{info.name} has no list of its files", "ask its author for a complete wheel"
        )
    claims = {path: "" for path in present if path.startswith(own)}
    try:
        with record.open(newline="", encoding="utf-8") as file:
            for row in csv.reader(file):
                path = os.path.normpath(f"{site}/{row[0]}") if row else ""
                if path in present and not path.startswith(own):
                    claims[path] = row[1] if len(row) > 1 else ""
    except (ValueError, csv.Error) as error:
        raise WorkerError(
            f"{info.name}/RECORD cannot be read", "ask its author for a complete wheel"
        ) from error
    return claims


def _hashes(claims: dict[str, str]) -> dict[str, str]:
    """Return recorded sha256 in digits; scripts get another interpreter after they are recorded."""
    found = {}
    for path, recorded in claims.items():
        kind, _, digest = recorded.partition("=")
        if kind == "sha256" and not path.startswith("bin/"):
            with suppress(ValueError):
                found[path] = urlsafe_b64decode(digest + "==").hex()
    return found


def _clashing(claims: dict[str, dict[str, str]]) -> set[str]:
    claimed: dict[str, list[str]] = {}
    for name, own in claims.items():
        for path in own:
            claimed.setdefault(path, []).append(name)
    return {
        name
        for path, names in claimed.items()
        if len({claims[name][path] for name in names}) > 1
        for name in names
    }


def _move(source: Path, target: Path, *, is_last: bool) -> None:
    try:
        _put(source, target, is_last=is_last)
    except FileNotFoundError:
        target.parent.mkdir(parents=True)
        _put(source, target, is_last=is_last)


def _put(source: Path, target: Path, *, is_last: bool) -> None:
    if is_last:
        source.rename(target)
    else:
        shutil.copy2(source, target)
