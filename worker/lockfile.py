"""Locks: the exact files of an environment, with hashes, kept by what they were resolved from."""

import hashlib
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import canonicalize_name

from utils.files import write_durably
from worker.errors import WorkerError
from worker.requirement import Requirement

_SEAL = "# sha256 of the lines below: "
_PIN = re.compile(
    r"(?m)^([A-Za-z0-9][\w.-]*)==(\S+?) *\\?$((?:\n +--hash=sha256:[0-9a-f]{64} *\\?)+)"
)
_HASH = re.compile(r"sha256:[0-9a-f]{64}")


class UnusableLock(WorkerError):  # noqa: N818 - reads as the state it reports
    """A lock is damaged, or not what a lock looks like."""


class HashesDiffer(WorkerError):  # noqa: N818 - reads as what happened
    """None of the hashes that an author gave is one of the index's."""

    def __init__(self, requirement: Requirement) -> None:
        super().__init__(f"the index has no file of {requirement.bare!r} with the hash given")
        self.requirement = requirement


@dataclass(frozen=True)
class Pin:
    """One distribution at one version, and the files that may be installed for it."""

    name: str
    version: str
    sha256: tuple[str, ...]


@dataclass(frozen=True)
class Lock:
    """Everything that an environment has installed, in the order of its names."""

    pins: tuple[Pin, ...]

    def render(self) -> str:
        """Write the lock as a requirements file that uv and pip read, sealed against damage."""
        body = "".join(
            f"{pin.name}=={pin.version}"
            + "".join(f" \\\n    --hash={one}" for one in pin.sha256)
            + "\n"
            for pin in self.pins
        )
        return f"{_SEAL}{_digest(body)}\n{body}"

    def narrowed(self, requirements: Iterable[Requirement]) -> "Lock":
        """Keep of each package the files whose hashes its author gave, where any were given.

        Raises HashesDiffer when that leaves none.
        """
        given = {one.name: one for one in requirements if one.sha256 and one.applies}
        return Lock(tuple(_narrowed(pin, given.get(pin.name)) for pin in self.pins))


def make_lock(pins: Iterable[Pin]) -> Lock:
    """Return the lock of some pins, in the one order that locks have."""
    return Lock(
        tuple(
            Pin(canonicalize_name(pin.name), pin.version, tuple(sorted(pin.sha256)))
            for pin in sorted(pins, key=lambda pin: canonicalize_name(pin.name))
        )
    )


def parse_resolution(text: str) -> Lock:
    """Read what `uv pip compile --generate-hashes` wrote.

    Raises UnusableLock when a line of it is neither a pin with hashes nor a comment.
    """
    pins = [
        Pin(match[1], match[2], tuple(_HASH.findall(match[3]))) for match in _PIN.finditer(text)
    ]
    if left := re.search(r"(?m)^\s*[^#\s].*$", _PIN.sub("", text)):
        raise UnusableLock(f"{left[0].strip()!r} is not a locked package with its hashes")
    return make_lock(pins)


class Locks:
    """The directory of locks, each named for what it was resolved from."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def read(self, key: str) -> Lock | None:
        """Return a known lock; None when there is none or it is damaged."""
        return read_lock(self._path(key))

    def write(self, key: str, lock: Lock) -> None:
        """Keep a lock for every later environment of the same requirements."""
        write_durably(self._path(key), lock.render().encode("ascii"))

    def _path(self, key: str) -> Path:
        return self._directory / f"{key}.txt"


def read_lock(path: Path) -> Lock | None:
    """Return the lock in a file; None when there is none or its seal does not hold."""
    with suppress(OSError, UnicodeDecodeError, UnusableLock):
        seal, _, body = path.read_text(encoding="ascii").partition("\n")
        if seal == _SEAL + _digest(body):
            return parse_resolution(body)
    return None


def _narrowed(pin: Pin, requirement: Requirement | None) -> Pin:
    if requirement is None:
        return pin
    kept = _common(pin.sha256, requirement.sha256)
    if not kept:
        raise HashesDiffer(requirement)
    return Pin(pin.name, pin.version, kept)


def _common(known: Sequence[str], given: Sequence[str]) -> tuple[str, ...]:
    return tuple(one for one in known if one in set(given))


def _digest(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()
