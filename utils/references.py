"""References to secrets that are kept elsewhere: how they are written, and what may be written."""

import re
from dataclasses import dataclass

from utils.base_error import TruelineError

LITERAL = "literal:"  # before a secret that itself begins as a reference does
LONGEST = 1_000
FORMS = "env:NAME, file:/absolute/path or vault:path#field"
_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FIELD = re.compile(r"[^\x00-\x1f\x7f#]+")
# No `%`: a server would decode it, and `%2e%2e` would lead elsewhere than what was allowed.
_VAULT_SEGMENT = re.compile(r"[A-Za-z0-9_.@=+:~,-]+")
_FILE_SEGMENT = re.compile(r"[^\x00-\x1f\x7f%\\]+")
_SCHEME = re.compile(r"(env|file|vault):")


class BadReference(TruelineError):  # noqa: N818 - reads as the state it reports
    """A text begins as a reference does, and is none."""


@dataclass(frozen=True)
class Reference:
    """Where a secret is kept: `place` is a variable, a path of a file, or a path in Vault."""

    scheme: str  # env, file, vault
    place: str
    field: str = ""  # of what Vault has there

    def __str__(self) -> str:
        return f"{self.scheme}:{self.place}" + (f"#{self.field}" if self.field else "")


def parse_reference(text: str) -> Reference | None:
    """Return the reference that a text is, or None when it does not begin as one.

    Raises BadReference.

    >>> parse_reference("vault:kv/data/github/token#value")
    Reference(scheme='vault', place='kv/data/github/token', field='value')
    >>> parse_reference("s3cret")
    """
    if not (found := _SCHEME.match(text)):
        return None
    if len(text) > LONGEST:
        raise _bad(found[1], f"it has more than {LONGEST} characters")
    rest = text[found.end() :]
    return {"env": _env, "file": _file, "vault": _vault}[found[1]](rest)


def without_escape(text: str) -> str:
    """Return the secret that a text stands for which is no reference."""
    return text.removeprefix(LITERAL)


def _env(name: str) -> Reference:
    if not _ENV_NAME.fullmatch(name):
        raise _bad("env", "what follows `env:` is not the name of a variable")
    if name.startswith("TRUELINE_"):
        raise _bad("env", "TRUELINE_ variables are the worker's own")
    return Reference("env", name)


def _file(path: str) -> Reference:
    if not path.startswith("/"):
        raise _bad("file", "what follows `file:` is not an absolute path")
    _check_segments("file", path[1:].split("/"), _FILE_SEGMENT)
    return Reference("file", path)


def _vault(rest: str) -> Reference:
    path, _, field = rest.partition("#")
    if not _FIELD.fullmatch(field):
        raise _bad("vault", "it names no field: write `vault:path#field`")
    _check_segments("vault", path.split("/"), _VAULT_SEGMENT)
    return Reference("vault", path, field)


def _check_segments(scheme: str, segments: list[str], form: re.Pattern[str]) -> None:
    for segment in segments:
        if segment in {"", ".", ".."} or not form.fullmatch(segment):
            raise _bad(scheme, "a part of its path is empty, `.`, `..`, or holds `%` or the like")


def _bad(scheme: str, why: str) -> BadReference:
    return BadReference(
        f"this is not a reference, though it begins with {scheme!r}: {why}",
        f"write {FORMS}; or {LITERAL!r} before a secret that begins so itself",
    )
