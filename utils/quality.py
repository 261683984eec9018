"""What `trueline test --faults` found out about an integration, kept in its `quality.json`."""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from utils.tiers import Tier

FILE_NAME = "quality.json"
LIMIT_BYTES = 4 * 1024 * 1024
_NOT_PART = {"__pycache__"}


class Quality(NamedTuple):
    """What the file says; it tells of the files of the folder only while `is_fresh`."""

    tier: Tier | None  # None: not even bronze
    digest: str  # of the folder that it was found out about
    tests: Mapping[str, Any]
    matrix: Mapping[str, Any]
    at_version: str  # of Trueline
    is_fresh: bool

    @property
    def shown_tier(self) -> str | None:
        """Return the tier that the catalogue may show."""
        return self.tier.value if self.tier and self.is_fresh else None


def quality_of(folder: Path) -> Quality | None:
    """Return what is known of the integration in `folder`; None without a file that can be read."""
    try:
        with (folder / FILE_NAME).open("rb") as file:
            content = file.read(LIMIT_BYTES + 1)
        if len(content) > LIMIT_BYTES:
            return None
        fields = json.loads(content)
        return _quality(fields, folder_digest(folder))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def quality_text(quality: Quality) -> str:
    """Return the file's text; it has no times in it, so that the same findings are the same."""
    fields = {
        "tier": quality.tier,
        "digest": quality.digest,
        "tests": quality.tests,
        "matrix": quality.matrix,
        "at_version": quality.at_version,
    }
    return json.dumps(fields, ensure_ascii=False, indent=1) + "\n"


def folder_digest(folder: Path) -> str:
    """Return a hash of the names and contents of the folder's files, without `quality.json`.

    Hidden files and bytecode do not count: they differ between checkouts of one commit.
    """
    digest = hashlib.sha256()
    for name, path in sorted(_files_below(folder, "")):
        content = os.fsencode(path.readlink()) if path.is_symlink() else path.read_bytes()
        digest.update(f"{len(name.encode())} {len(content)}\n{name}".encode())
        digest.update(content)
    return f"sha256:{digest.hexdigest()}"


def _files_below(folder: Path, prefix: str) -> Iterator[tuple[str, Path]]:
    for path in folder.iterdir():
        name = f"{prefix}{path.name}"
        if path.name.startswith(".") or path.name in _NOT_PART or name == FILE_NAME:
            continue
        if path.is_dir() and not path.is_symlink():
            yield from _files_below(path, f"{name}/")
        elif path.is_symlink() or path.is_file():
            yield name, path


def _quality(fields: Mapping[str, Any], digest: str) -> Quality:
    tests, matrix = fields["tests"], fields["matrix"]
    if not isinstance(tests, dict) or not isinstance(matrix, dict):
        raise TypeError("tests and matrix are objects")
    return Quality(
        tier=None if fields["tier"] is None else Tier(fields["tier"]),
        digest=str(fields["digest"]),
        tests=tests,
        matrix=matrix,
        at_version=str(fields["at_version"]),
        is_fresh=fields["digest"] == digest,
    )
