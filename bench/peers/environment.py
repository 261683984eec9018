"""Environments of the peers: each built once from its lock, and kept for the next run."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from filelock import FileLock

from bench.peers.processes import PeerUnavailable
from worker.installer import find_uv

LOCKS = Path(__file__).parent
INSTALL_SECONDS = 300.0


def open_environment(root: Path, name: str) -> Path:
    """Return the interpreter of an environment, which is built where it is missing.

    Raises PeerUnavailable, as when no package index can be reached.
    """
    lock = LOCKS / f"{name}.txt"
    place = root / f"{name}-{environment_key(lock.read_bytes())}"
    with FileLock(root / f"{name}.lock"):
        if not place.exists():
            _build(lock, place)
    return place / "bin" / "python"


def environment_key(lock: bytes) -> str:
    """Return what tells two states of an environment apart."""
    return hashlib.sha256(sys.version.encode() + sys.prefix.encode() + lock).hexdigest()[:12]


def _build(lock: Path, place: Path) -> None:
    """Build beside and rename: what has the final name is whole."""
    for leftover in place.parent.glob(f"{lock.stem}-*"):
        shutil.rmtree(leftover)
    building = place.with_name(f"{place.name}.building")
    _uv("venv", "--relocatable", "--python", sys.executable, str(building))
    python = str(building / "bin" / "python")
    _uv(
        "pip",
        "install",
        "--python",
        python,
        "--require-hashes",
        "--only-binary",
        ":all:",
        "-r",
        str(lock),
    )
    building.rename(place)


def _uv(*arguments: str) -> None:
    uv = find_uv(os.environ)
    if uv is None:
        raise PeerUnavailable("uv is missing")
    command = [str(uv), "--quiet", "--no-progress", *arguments]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=INSTALL_SECONDS)
    except subprocess.CalledProcessError as error:
        words = error.stderr.decode(errors="replace").split("\n\n")[0]
        raise PeerUnavailable(f"it cannot be installed: {' '.join(words.split())}") from error
    except subprocess.TimeoutExpired as error:
        raise PeerUnavailable(f"not installed within {INSTALL_SECONDS:.0f} s") from error
