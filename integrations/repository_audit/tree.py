"""The files of the audited commit: their listing and their contents."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from integrations.repository_audit.clone import Clone

BATCH_BYTES = 16 * 1024 * 1024
BINARY_NAME = re.compile(
    r".*\.(?:7z|a|avi|bin|bmp|bz2|class|dll|dmg|docx?|dylib|eot|exe|gif|gz|ico|jar|jpe?g|lz4|mo|mov"
    r"|mp[34]|o|od[st]|og[gv]|otf|pdf|png|pptx?|psd|pyc|rar|so|sqlite3?|tar|tgz|tiff?|ttf|wasm|wav"
    r"|web[mp]|whl|woff2?|xlsx?|xz|zip|zst)",
    re.IGNORECASE | re.DOTALL,
)


class Kind(StrEnum):
    """What an entry of a tree is."""

    FILE = "file"  # contents of its own
    SYMLINK = "symlink"  # its contents are the path that it points to
    SUBMODULE = "submodule"  # a commit of another repository


@dataclass(frozen=True)
class Entry:
    """One entry of the audited tree; a submodule has no size."""

    path: str
    mode: str
    kind: Kind
    object_id: str
    size_bytes: int

    @property
    def looks_binary(self) -> bool:
        """Whether its name says that it holds no text."""
        return BINARY_NAME.fullmatch(self.path) is not None


def read_tree(clone: Clone) -> list[Entry]:
    """List every file, symlink and submodule of the audited commit, by path."""
    listing = clone.git.run(clone.files, ["ls-tree", "-r", "-l", "-z", clone.commit])
    return [_entry(line) for line in listing.split(b"\0") if line]


def read_contents(clone: Clone, entries: Iterable[Entry]) -> Iterator[tuple[Entry, bytes]]:
    """Yield the contents of `entries`, holding some 16 MiB of them at a time."""
    for batch in _batches(entries):
        wanted = "".join(f"{entry.object_id}\n" for entry in batch).encode()
        answer = clone.git.run(clone.files, ["cat-file", "--batch"], wanted)
        position = 0
        for entry in batch:
            start = answer.index(b"\n", position) + 1
            position = start + entry.size_bytes + 1
            yield entry, answer[start : position - 1]


def _entry(line: bytes) -> Entry:
    head, _, path = line.partition(b"\t")
    mode, kind, object_id, size = head.decode().split()
    return Entry(
        # A path need not be text; JSON has to be.
        path=path.decode(errors="backslashreplace"),
        mode=mode,
        kind=_kind(mode, kind),
        object_id=object_id,
        size_bytes=0 if size == "-" else int(size),
    )


def _kind(mode: str, object_type: str) -> Kind:
    if object_type == "commit":
        return Kind.SUBMODULE
    return Kind.SYMLINK if mode == "120000" else Kind.FILE


def _batches(entries: Iterable[Entry]) -> Iterator[Sequence[Entry]]:
    batch: list[Entry] = []
    size_bytes = 0
    for entry in entries:
        if batch and size_bytes + entry.size_bytes > BATCH_BYTES:
            yield batch
            batch, size_bytes = [], 0
        batch.append(entry)
        size_bytes += entry.size_bytes
    if batch:
        yield batch
