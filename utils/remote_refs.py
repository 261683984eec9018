"""Which commit a source's ref names now, as its server tells."""

import re

from utils.errors import SourceError
from utils.git import Git
from utils.source import DEFAULT_REF, Source
from utils.suggest import did_you_mean

_ADVICE = "set TRUELINE_SOURCE_REF to a branch, tag or full commit id that exists"


def find_commit(git: Git, source: Source) -> str:
    """Return the commit of the source's ref, by one `git ls-remote`.

    A name is looked for among the branches, then among the tags. Raises SourceError for one that
    is missing or means two different commits.
    """
    if source.commit is not None:
        return source.commit
    wanted = _names(source.ref)
    listed = _list_refs(git, source, *wanted, *(f"{name}^{{}}" for name in wanted))
    found = {name: listed.get(f"{name}^{{}}", listed[name]) for name in wanted if name in listed}
    if not found:
        raise _missing(git, source)
    if len(set(found.values())) > 1:
        raise SourceError(
            f"source {source.shown}: {source.ref!r} is a branch and also a tag of another commit",
            "set TRUELINE_SOURCE_REF to " + " or ".join(found),
        )
    return next(iter(found.values()))


def _names(ref: str) -> tuple[str, ...]:
    if ref == DEFAULT_REF or ref.startswith("refs/"):
        return (ref,)
    return (f"refs/heads/{ref}", f"refs/tags/{ref}")


def _list_refs(git: Git, source: Source, *patterns: str) -> dict[str, str]:
    output = git.run(
        ["ls-remote", "--quiet", "--symref", "--", source.url, *patterns],
        about=f"source {source.shown}",
    )
    refs = {}
    for line in output.decode("utf-8", "replace").splitlines():
        target, _, name = line.partition("\t")
        key = f"ref: {name}" if target.startswith("ref: ") else name
        refs[key] = target.removeprefix("ref: ")
    return refs


def _missing(git: Git, source: Source) -> SourceError:
    refs = _list_refs(git, source)
    about = f"source {source.shown}"
    if not any(name.startswith("refs/") for name in refs):
        return SourceError(f"{about}: it has no commits yet", "push a first commit")
    if source.ref == DEFAULT_REF:
        return SourceError(f"{about}: its default branch does not exist", _ADVICE)
    names = {
        name.split("/", 2)[2]
        for name in refs
        if name.startswith(("refs/heads/", "refs/tags/")) and not name.endswith("^{}")
    }
    default = refs.get("ref: HEAD", "").removeprefix("refs/heads/")
    note = f" (its default branch is {default!r})" if default else ""
    short = re.fullmatch(r"[0-9a-f]{4,39}", source.ref)
    advice = "give all characters of the commit id, or a branch or a tag" if short else _ADVICE
    guess = did_you_mean(source.ref, names)
    return SourceError(f"{about}: it has no branch or tag {source.ref!r}{guess}{note}", advice)
