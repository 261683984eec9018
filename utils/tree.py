"""The files of one commit as git lists them, and which of them are safe to write."""

import re
from collections import deque
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain

INTEGRATIONS = "integrations"
LINK_HOPS = 40
LINK_TARGET_BYTES = 4096

FOLDER = "040000"
LINK = "120000"
SUBMODULE = "160000"
EXECUTABLE = "100755"

# Nearly all paths; no part of one begins with a dot or has a character that has to be looked at.
_PLAIN_PART = r"[A-Za-z0-9_][A-Za-z0-9_.-]*"
_PLAIN_PATH = re.compile(rf"(?:{_PLAIN_PART}/)*{_PLAIN_PART}")


@dataclass(frozen=True)
class TreeEntry:
    """One line of `git ls-tree -r -t -l`; folders and submodules have no size."""

    mode: str
    object_id: str
    size_bytes: int
    path: str

    @property
    def is_file(self) -> bool:
        """Tell whether it is an ordinary file."""
        return self.mode.startswith("100")


@dataclass(frozen=True)
class CheckedTree:
    """What may be written of a commit, and what not.

    `rejected` maps the folder of an integration to the reason why it cannot be used; `left_out`
    maps every path that is not written to its reason, `folders` every folder to the id of its
    content.
    """

    files: tuple[TreeEntry, ...]
    links: Mapping[str, str]
    submodules: tuple[str, ...]
    left_out: Mapping[str, str] = field(default_factory=dict)
    folders: Mapping[str, str] = field(default_factory=dict)

    @property
    def integrations(self) -> dict[str, str]:
        """The names of the folders of integrations, with the ids of their content."""
        return {
            name: object_id
            for path, object_id in self.folders.items()
            if (name := integration_of(path)) and path == f"{INTEGRATIONS}/{name}"
        }

    @property
    def rejected(self) -> dict[str, str]:
        """The integrations that cannot be used, by the name of their folder."""
        reasons: dict[str, str] = {}
        for path, reason in self.left_out.items():
            folder = integration_of(path)
            if folder:
                reasons.setdefault(folder, reason)
        return reasons

    @property
    def size_bytes(self) -> int:
        """The size of all files."""
        return sum(entry.size_bytes for entry in self.files)


def parse_tree(listing: bytes) -> tuple[TreeEntry, ...]:
    """Read what `git ls-tree -r -t -l -z` printed."""
    return tuple(_parse_entry(line) for line in listing.split(b"\0") if line)


def check_tree(entries: Iterable[TreeEntry], link_targets: Mapping[str, bytes]) -> CheckedTree:
    """Sort a commit's entries; `link_targets` maps the object ids of links to their content."""
    left_out: dict[str, str] = {}
    files: list[TreeEntry] = []
    submodules: list[str] = []
    links: dict[str, str] = {}
    folders: dict[str, str] = {}
    for entry in entries:
        problem = _name_problem(entry.path)
        if problem:
            left_out[entry.path] = problem
        elif entry.mode == LINK:
            links[entry.path] = path_of(link_targets.get(entry.object_id, b""))
        elif entry.mode == SUBMODULE:
            submodules.append(entry.path)
        elif entry.mode == FOLDER:
            folders[entry.path] = entry.object_id
        else:
            files.append(entry)
    above_links = (path.rpartition("/")[0] for path in links)
    twofold = _twofold(links, chain((entry.path for entry in files), submodules, above_links))
    alone = {path: target for path, target in links.items() if path not in twofold}
    escapes = {path: reason for path in alone if (reason := _link_problem(path, alone))}
    kept = {path: target for path, target in alone.items() if path not in escapes}
    left_out |= twofold | escapes
    return CheckedTree(tuple(files), kept, tuple(submodules), left_out, folders)


def integration_of(path: str) -> str:
    """Return the integration that a path belongs to, or an empty string."""
    parts = path.split("/", 2)
    return parts[1] if len(parts) > 1 and parts[0] == INTEGRATIONS else ""


def path_of(raw: bytes) -> str:
    """Return a path as text, whatever bytes it has."""
    return raw.decode("utf-8", "surrogateescape")


def shown(path: str) -> str:
    """Return a path as it may be shown: what is no text is escaped."""
    return path.encode("utf-8", "backslashreplace").decode() if path.isprintable() else repr(path)


def _parse_entry(line: bytes) -> TreeEntry:
    head, _, path = line.partition(b"\t")
    mode, _kind, object_id, size = head.decode().split()
    return TreeEntry(mode, object_id, 0 if size == "-" else int(size), path_of(path))


def _name_problem(path: str) -> str:
    if _PLAIN_PATH.fullmatch(path):
        return ""
    for part in path.split("/"):
        plain = "".join(one for one in part.casefold() if one.isprintable()).rstrip(" .")
        if part in {"", ".", ".."} or plain in {".git", "git~1"}:
            return f"{shown(path)} has a part that no working tree may have: {part!r}"
    return ""


def _twofold(links: Collection[str], others: Iterable[str]) -> dict[str, str]:
    """Return the links whose names are files or folders too: those, not they, would be written.

    What leads through such a name would be checked by the link and walked by the folder. Case is
    not told apart, as some file systems don't.
    """
    if not links:
        return {}
    taken: set[str] = set()
    for other in others:
        path = other.casefold()
        while path and path not in taken:
            taken.add(path)
            path = path.rpartition("/")[0]
    return {
        link: f"the link {shown(link)} has the name of a file or folder"
        for link in links
        if link.casefold() in taken
    }


def _link_problem(link: str, links: Mapping[str, str]) -> str:
    """Return why a link must not be made, walking it as the kernel would."""
    pending = deque(link.split("/"))
    here: list[str] = []
    hops = 0
    while pending:
        part = pending.popleft()
        if part == ".." and not here:
            return f"the link {shown(link)} leads out of the repository"
        if part == "..":
            here.pop()
        elif part not in {"", "."}:
            here.append(part)
            target = links.get("/".join(here))
            if target is None:
                continue
            hops += 1
            if problem := _target_problem(target, hops):
                return f"the link {shown(link)} {problem}"
            here.pop()
            pending.extendleft(reversed(target.split("/")))
    return ""


def _target_problem(target: str, hops: int) -> str:
    if target.startswith("/"):
        return f"leads out of the repository, to {shown(target)}"
    if not target or "\0" in target:
        return "has no usable target"
    return "leads through too many links" if hops > LINK_HOPS else ""
