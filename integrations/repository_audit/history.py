"""What the audited repository's history says: recent commits and the state of branches."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from integrations.repository_audit.clone import Clone

END_OF_LINE = "\0\n"


@dataclass(frozen=True)
class Commit:
    """One commit: who wrote it, and when it was committed."""

    id: str
    author_name: str
    author_address: str
    date: datetime
    subject: str


@dataclass(frozen=True)
class Branch:
    """One branch and its newest commit; `merged` is None when there is no default branch."""

    name: str
    commit: str
    date: datetime
    author_name: str
    author_address: str
    is_default: bool
    merged: bool | None


def read_commits(clone: Clone, most: int) -> list[Commit]:
    """Return the newest `most` commits that lead to the audited one, newest first."""
    form = "%H%x00%an%x00%ae%x00%ct%x00%s%x00"
    args = ["log", f"--format=tformat:{form}", f"--max-count={most}", "--encoding=UTF-8"]
    listing = clone.git.run(clone.history, [*args, clone.commit, "--"])
    return [
        Commit(commit_id, name, address, _date(seconds), subject)
        for commit_id, name, address, seconds, subject in _lines(listing)
    ]


def read_branches(clone: Clone) -> list[Branch]:
    """Return every branch with its newest commit, by name."""
    names = ("refname:lstrip=2", "objectname", "committerdate:unix", "authorname")
    form = "".join(f"%({name})%00" for name in (*names, "authoremail:trim"))
    listing = clone.git.run(clone.history, ["for-each-ref", f"--format={form}", "refs/heads/"])
    merged = _merged_branches(clone)
    return [
        Branch(
            name=name,
            commit=commit,
            date=_date(seconds),
            author_name=author,
            author_address=address,
            is_default=name == clone.default_branch,
            merged=None if merged is None else name in merged,
        )
        for name, commit, seconds, author, address in _lines(listing)
    ]


def _merged_branches(clone: Clone) -> frozenset[str] | None:
    """Return the branches whose newest commit the default branch has; None without one."""
    default = f"refs/heads/{clone.default_branch}"
    if not clone.default_branch or not clone.git.run(clone.history, ["for-each-ref", default]):
        return None
    args = ["for-each-ref", f"--merged={default}", "--format=%(refname:lstrip=2)", "refs/heads/"]
    return frozenset(clone.git.run(clone.history, args).decode(errors="replace").splitlines())


def _lines(listing: bytes) -> Iterator[list[str]]:
    for line in listing.decode(errors="replace").split(END_OF_LINE):
        if line:
            yield line.split("\0")


def _date(seconds: str) -> datetime:
    try:
        return datetime.fromtimestamp(int(seconds), UTC)
    except (ValueError, OverflowError, OSError):  # some tools wrote dates that no calendar has
        return datetime.fromtimestamp(0, UTC)
