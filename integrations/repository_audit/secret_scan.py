"""Finds committed secrets in one file; what it returns holds their places, never their text."""

import re
from collections.abc import Iterator

from integrations.repository_audit.candidate_lines import CandidateLine, candidate_lines
from integrations.repository_audit.detectors import (
    Detectors,
    Match,
    is_allowlisted,
    matches,
    read_as,
)
from integrations.repository_audit.sample_paths import is_sample_path
from integrations.repository_audit.secret_finding import Confidence, Finding, hashed_secret
from integrations.repository_audit.secret_shape import is_placeholder, looks_like_a_secret

KEY_MATERIAL = re.compile(r"[A-Za-z0-9+/=]{40,}")
KEY_HEADERS = 300  # characters that may stand between a key's first line and its material
NAMED_STRING = re.compile(
    r"(?:secret|token|passw|passphrase|credential|key)\w*['\")\]]*\s*(?::\s*\w+\s*)?"
    r"(?::?=+|[:,(]|=>)\s*[rbfu@]{0,2}['\"`]",
    re.IGNORECASE,
)


def scan_contents(path: str, contents: bytes, detectors: Detectors) -> list[Finding]:
    """Return the secrets in a text file, each value once, at the first line that has it."""
    values: dict[str, Finding] = {}
    ordinary = Confidence.LOW if is_sample_path(path) else Confidence.MEDIUM
    filename = read_as(path)
    for line in candidate_lines(contents):
        if is_allowlisted(path, line):
            continue
        for match, sure in _secrets_on(line, filename, detectors):
            if not any(match.value in known or known in match.value for known in values):
                confidence = Confidence.HIGH if sure else ordinary
                values[match.value] = Finding(
                    path, line.number, match.type, hashed_secret(match.value), confidence
                )
    return list(values.values())


def _secrets_on(
    line: CandidateLine, filename: str, detectors: Detectors
) -> Iterator[tuple[Match, bool]]:
    """Yield each match with whether its format alone proves it, the surest ones first."""
    for match in matches(detectors.token_formats, filename, line):
        if not is_placeholder(match.value):
            yield match, True
    for match in matches(detectors.key_files, filename, line):
        # The header alone is no key: code that reads keys names it as well.
        follows = line.text.partition(match.value)[2] + line.after
        material = KEY_MATERIAL.search(follows[:KEY_HEADERS])
        if material is not None and not is_placeholder(material[0]):
            yield Match(match.type, material[0]), False
    for match in matches(detectors.signed_tokens, filename, line):
        yield match, False
    for match in matches(detectors.assignments, filename, line):
        if looks_like_a_secret(match.value, line.text):
            yield match, False
    named_at = {found.end() for found in NAMED_STRING.finditer(line.text)}
    for match in matches(detectors.random_strings, filename, line) if named_at else ():
        named = line.text.find(match.value) in named_at
        if named and looks_like_a_secret(match.value, line.text):
            yield match, False
