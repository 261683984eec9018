"""Looks an environment over: its record, its links, what they lead to, and its interpreter."""

import subprocess
from pathlib import Path

from worker.environment import RECORD_NAME, read_record
from worker.lockfile import read_lock
from worker.placement import Placement
from worker.store import Store

START_SECONDS = 30


def damage(path: Path, store: Store) -> str:
    """Say what is wrong with the environment in `path`; empty when it is whole."""
    record = read_record(path)
    if record is None:
        return f"{RECORD_NAME} is missing or unusable"
    if read_lock(path / "lock.txt") is None:
        return "lock.txt is missing or unusable"
    found = {name: store.find(name) for name in record.store}
    if damaged := [name for name, tree in found.items() if tree is None]:
        return f"{', '.join(damaged)} in the store is missing or was changed"
    trees = [tree for tree in found.values() if tree is not None][:-1]  # the last is its bare self
    if wrong := Placement.of(trees).difference(path):
        return wrong
    return "" if _python_starts(path / "bin" / "python") else "its python does not start"


def _python_starts(python: Path) -> bool:
    try:
        end = subprocess.run(
            [str(python), "-I", "-S", "-c", "pass"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            start_new_session=True,
            timeout=START_SECONDS,
            check=False,
            env={},
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return end.returncode == 0
