"""When a folder was last changed, by the repository's own history."""

import subprocess
from pathlib import Path

UNKNOWN = "not committed yet"
_SECONDS = 30


def last_change(root: Path, folder: str) -> str:
    """Return the date of the last commit that touched a folder; the same in every checkout."""
    command = ["git", "-C", str(root), "log", "-1", "--format=%cs", "--", folder]
    try:
        ended = subprocess.run(
            command, capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return UNKNOWN
    return ended.stdout.strip() or UNKNOWN if ended.returncode == 0 else UNKNOWN
