"""What is kept of a secret that was found: its place and a hash, never its text."""

import hashlib
from dataclasses import dataclass
from enum import StrEnum

HASH_ROUNDS = 5_000  # 2 ms; a scan may have thousands of findings


class Confidence(StrEnum):
    """How sure a finding is."""

    HIGH = "high"  # a format that one provider alone gives out
    MEDIUM = "medium"  # a key, or a random value under a secret's name, in ordinary files
    LOW = "low"  # the same in tests, examples, templates and documentation


@dataclass(frozen=True)
class Finding:
    """A secret's place; `hashed_secret` tells two apart and cannot be turned back cheaply."""

    path: str
    line: int
    type: str
    hashed_secret: str
    confidence: Confidence


def hashed_secret(value: str) -> str:
    """Return a short, slow hash: results leave this machine, and a fast one could be guessed."""
    salt = b"trueline repository_audit"
    return hashlib.pbkdf2_hmac("sha256", value.encode(), salt, HASH_ROUNDS, 8).hex()
