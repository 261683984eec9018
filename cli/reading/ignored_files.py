"""Which files of a checkout git ignores, so that they get into no commit."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

_SECONDS = 30


def ignored_by_git(root: Path, paths: Sequence[str]) -> set[str]:
    """Return those of the paths that git ignores; none outside of a Git repository."""
    command = ["git", "-C", str(root), "check-ignore", "-z", "--stdin"]
    given = "".join(f"{path}\0" for path in paths)
    try:
        ended = subprocess.run(
            command, input=given, capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return set()
    return set(ended.stdout.split("\0")) - {""} if ended.returncode == 0 else set()
