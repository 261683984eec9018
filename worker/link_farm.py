"""Gives folders names of files and links that are there already: that makes no new file on disk."""

import hashlib
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class LinkFarm:
    """Keeps one symbolic link for each place and target, of which environments have hard links.

    Making a file takes a file system long after it has deleted many; another name for one does not.
    """

    directory: Path

    def symlink(self, path: str, target: str, group: str) -> None:
        """Make `path` a symbolic link; `group` is what it is kept under, to be dropped together."""
        digest = hashlib.sha256(target.encode()).hexdigest()[:32]
        kept = f"{self.directory}/{group}/{digest}"
        try:
            if os.readlink(kept) != target:  # noqa: PTH115 - half the cost of the whole
                Path(kept).unlink()
                Path(kept).symlink_to(target)
        except FileNotFoundError:
            Path(kept).parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileExistsError):
                Path(kept).symlink_to(target)
        try:
            os.link(kept, path, follow_symlinks=False)
        except OSError:  # linked as often as the disk allows, or no such thing here
            Path(path).symlink_to(target)


def hard_link(source: Path, path: Path) -> bool:
    """Give a file or a symbolic link another name; False where that cannot be."""
    try:
        os.link(source, path, follow_symlinks=False)
    except OSError:
        return False
    return True
