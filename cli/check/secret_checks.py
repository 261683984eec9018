"""Checks for secrets in files: formats that give themselves away, and values of telling names."""

import re
from collections.abc import Iterator

from cli.check import rules
from cli.check.finding import Finding
from cli.check.named_values import LINE_LIMIT, named_values
from cli.check.secret_words import is_placeholder, looks_random, names_a_secret
from cli.check.subject import Subject, found
from cli.reading.ignored_files import ignored_by_git
from cli.reading.source_file import SourceFile
from utils.concealed import KNOWN_FORMAT

_PRIVATE_KEY = re.compile(r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----")
_LOGIN = re.compile(r"\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@'\"]{1,99}:([^\s/@'\"]{4,99})@[\w.-]+")
_OTHER_FORMATS = re.compile(
    r"\b(?:[sr]k_live_[A-Za-z0-9]{20,}|SG\.[\w-]{20,}\.[\w-]{20,}|npm_[A-Za-z0-9]{36}"
    r"|pypi-[\w-]{50,}|AIza[\w-]{35}|dop_v1_[a-f0-9]{64}|hvs\.[\w-]{24,})"
)
_PRAGMA = "pragma: allowlist secret"
FIX = "revoke it, and read it from the config: a property with format password"


def secret_findings(subject: Subject) -> Iterator[Finding]:
    """Look for secrets in every text file of the folder, its recorded exchanges too.

    A file that git ignores is in no commit, so it may have some.
    """
    held = {file.path: told_secrets(file) for file in subject.folder.files}
    suspects = [path for path, lines in held.items() if lines]
    ignored = ignored_by_git(subject.repository.root, suspects) if suspects else set()
    for file in subject.folder.files:
        for line, what in held[file.path] if file.path not in ignored else ():
            yield found(rules.SECRET_IN_CODE, file, line, what, FIX)


def told_secrets(file: SourceFile) -> list[tuple[int, str]]:
    """Return the line and the kind of each secret that no comment excuses."""
    return [one for one in sorted(set(secrets_in(file))) if _PRAGMA not in file.lines[one[0] - 1]]


def secrets_in(file: SourceFile) -> Iterator[tuple[int, str]]:
    """Yield the line and the kind of each secret; never the secret itself."""
    for number, line in enumerate(file.lines, 1):
        text = line[:LINE_LIMIT]
        if KNOWN_FORMAT.search(text) or _OTHER_FORMATS.search(text):
            yield number, "this has the format of a provider's key or token"
        if _PRIVATE_KEY.search(text):
            yield number, "this is a private key"
        login = _LOGIN.search(text)
        if login and not is_placeholder(login[1]):
            yield number, "this address holds a password"
    for number, name, value in named_values(file):
        if names_a_secret(name) and looks_random(value):
            yield number, f"the value of {name!r} looks like a secret"
