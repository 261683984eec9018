"""Checks for secrets in files: formats that give themselves away, and values of telling names."""

import ast
import math
import re
from collections import Counter
from collections.abc import Iterator

from cli.check import rules
from cli.check.finding import Finding
from cli.check.subject import Subject, found
from cli.reading.source_file import SourceFile
from utils.concealed import KNOWN_FORMAT, is_secret_name

_PRIVATE_KEY = re.compile(r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----")
_LOGIN = re.compile(r"\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@'\"]{1,99}:([^\s/@'\"]{4,99})@[\w.-]+")
_OTHER_FORMATS = re.compile(
    r"\b(?:[sr]k_live_[A-Za-z0-9]{20,}|SG\.[\w-]{20,}\.[\w-]{20,}|npm_[A-Za-z0-9]{36}"
    r"|pypi-[\w-]{50,}|AIza[\w-]{35}|dop_v1_[a-f0-9]{64}|hvs\.[\w-]{24,})"
)
_PRAGMA = "pragma: allowlist secret"
_PLACEHOLDER = re.compile(
    r"\*{3}|\.\.\.|<|\{|\$|%s|x{4,}|example|change|dummy|fake|placeholder|password|secret|token"
    r"|your|test|sample|hunter",
    re.IGNORECASE,
)
_LINE_LIMIT = 20_000
_LEAST_BITS = 3.0
_LEAST_CHARACTERS = 12


def secret_findings(subject: Subject) -> Iterator[Finding]:
    """Look for secrets in every text file of the folder, its recorded exchanges too."""
    for file in subject.folder.files:
        for line, what in sorted(set(secrets_in(file))):
            if _PRAGMA not in file.lines[line - 1]:
                fix = "revoke it, and read it from the config: a property with format password"
                yield found(rules.SECRET_IN_CODE, file, line, what, fix)


def secrets_in(file: SourceFile) -> Iterator[tuple[int, str]]:
    """Yield the line and the kind of each secret; never the secret itself."""
    for number, line in enumerate(file.lines, 1):
        text = line[:_LINE_LIMIT]
        if KNOWN_FORMAT.search(text) or _OTHER_FORMATS.search(text):
            yield number, "this has the format of a provider's key or token"
        if _PRIVATE_KEY.search(text):
            yield number, "this is a private key"
        login = _LOGIN.search(text)
        if login and not _PLACEHOLDER.search(login[1]):
            yield number, "this address holds a password"
    yield from _named_values(file)


def _named_values(file: SourceFile) -> Iterator[tuple[int, str]]:
    kinds = (ast.Assign, ast.AnnAssign, ast.keyword, ast.Dict)
    for node in (node for kind in kinds for node in file.nodes_of(kind)):
        for name, value in _bindings(node):
            telling = isinstance(value, ast.Constant) and is_secret_name(name)
            if isinstance(value, ast.Constant) and telling and looks_random(value.value):
                yield value.lineno, f"the value of {name!r} looks like a secret"


def _bindings(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """Yield what a node gives a name: assignments, keywords, and items of a dict."""
    if isinstance(node, ast.Assign):
        for target in node.targets:
            yield _last_name(target), node.value
    elif isinstance(node, ast.AnnAssign) and node.value:
        yield _last_name(node.target), node.value
    elif isinstance(node, ast.keyword) and node.arg:
        yield node.arg, node.value
    elif isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                yield key.value, value


def _last_name(target: ast.expr) -> str:
    if isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant):
        return str(target.slice.value)
    if isinstance(target, ast.Attribute):
        return target.attr
    return target.id if isinstance(target, ast.Name) else ""


def looks_random(value: object) -> bool:
    """Tell whether a value is more likely a secret than a word, a path or a placeholder."""
    if not isinstance(value, str) or not _LEAST_CHARACTERS <= len(value) <= 500:
        return False
    if _PLACEHOLDER.search(value) or re.search(r"[\s/]", value):
        return False
    kinds = sum(bool(re.search(one, value)) for one in (r"[a-z]", r"[A-Z]", r"\d", r"[^\w]"))
    counts = Counter(value)
    bits = -sum(n / len(value) * math.log2(n / len(value)) for n in counts.values())
    return kinds >= 2 and bits >= _LEAST_BITS and bool(re.search(r"\d", value))
