"""A private, bare copy of what an audit reads: the files of one commit, and the history."""

import re
from dataclasses import dataclass
from pathlib import Path

from integrations.repository_audit.address import Address
from integrations.repository_audit.git_command import Git
from utils.errors import SourceError
from utils.suggest import did_you_mean

COMMIT_ID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
AUDITED = "refs/audited"
# All there is. Without a depth, git fetches without end from a source that is itself shallow,
# since in a filtered copy it takes the commits beyond its edge for ones that can be had.
DEPTH = "--depth=1000000"


@dataclass(frozen=True)
class Clone:
    """One commit of a repository, on this machine.

    `files` holds that commit alone with its blobs; `history` holds every branch's commits without
    their files. Together they cost far less than a clone.
    """

    git: Git
    files: Path
    history: Path
    commit: str
    default_branch: str

    @property
    def history_is_cut(self) -> bool:
        """Whether the audited repository itself is a shallow clone."""
        return (self.history / "shallow").exists()


@dataclass(frozen=True)
class Refs:
    """What a repository offers: commit ids by full ref name, and its default branch."""

    commits: dict[str, str]
    default_branch: str


def clone_repository(git: Git, address: Address, directory: Path) -> Clone:
    """Fetch what an audit of `address` needs into `directory`; raises SourceError."""
    refs = read_refs(git, address.url)
    commit = wanted_commit(refs, address.ref)
    files = _empty_repository(git, directory / "files.git")
    _fetch(git, files, address.url, ["--depth=1"], [f"+{commit}:{AUDITED}"])
    history = _empty_repository(git, directory / "history.git")
    heads = ["+refs/heads/*:refs/heads/*", f"+{commit}:{AUDITED}"]
    _fetch(git, history, address.url, ["--filter=tree:0", DEPTH], heads)
    return Clone(git, files, history, commit, refs.default_branch)


def read_refs(git: Git, url: str) -> Refs:
    """Ask the repository for its branches, tags and default branch."""
    listing = git.fetch(["ls-remote", "--symref", "--", url, "HEAD", "refs/heads/*", "refs/tags/*"])
    commits: dict[str, str] = {}
    default_branch = ""
    for line in listing.decode(errors="replace").splitlines():
        value, _, name = line.partition("\t")
        if value.startswith("ref: ") and name == "HEAD":
            default_branch = value.removeprefix("ref: refs/heads/")
        else:
            # An annotated tag is listed twice; its second line, `name^{}`, is the commit.
            commits[name.removesuffix("^{}")] = value
    return Refs(commits, default_branch)


def wanted_commit(refs: Refs, ref: str) -> str:
    """Return the commit that `ref` names, empty being the default branch; raises SourceError."""
    if not refs.commits:
        raise SourceError(
            "the repository has no commits yet", "push a first commit, then run the job again"
        )
    if COMMIT_ID.fullmatch(ref):
        return ref
    for name in (f"refs/heads/{ref}", f"refs/tags/{ref}", ref) if ref else ("HEAD",):
        if name in refs.commits:
            return refs.commits[name]
    if not ref:
        raise SourceError(
            "the repository's default branch does not exist",
            "set `ref` to a branch that it has, or correct its HEAD",
        )
    known = [name.split("/", 2)[2] for name in refs.commits if name.startswith("refs/")]
    raise SourceError(
        f"the repository has no branch or tag {ref!r}{did_you_mean(ref, known)}",
        "correct `ref`; a commit has to be given with its full id",
    )


def _empty_repository(git: Git, path: Path) -> Path:
    git.run(path, ["init", "--quiet", "--bare", "--template="])
    return path


def _fetch(git: Git, into: Path, url: str, how: list[str], refspecs: list[str]) -> None:
    quietly = ["--quiet", "--no-tags", "--no-write-fetch-head"]
    git.fetch([f"--git-dir={into}", "fetch", *how, *quietly, "--", url, *refspecs])
