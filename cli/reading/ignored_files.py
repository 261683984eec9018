"""Which files of a checkout git ignores, so that they get into no commit."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

_SECONDS = 30


def ignored_by_git(root: Path, paths: Sequence[str]) -> set[str]:
    """Return those of the paths that git ignores; none outside of a Git repository."""
    command = ["git", "-C", str(root), "check-ignore", "-z", "--stdin"]
    given = b"".join(os.fsencode(path) + b"\0" for path in paths)  # a name may be no UTF-8
    try:
        ended = subprocess.run(
            command, input=given, capture_output=True, timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return set()
    found = ended.stdout.split(b"\0") if ended.returncode == 0 else []
    return {os.fsdecode(path) for path in found if path}
