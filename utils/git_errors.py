"""What git's complaints mean, and what to do about each."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote

from utils.addresses import without_logins
from utils.errors import SourceError

SHOWN_CHARACTERS = 600


class GitFailure(StrEnum):
    """Why a git command failed."""

    TIMEOUT = "timeout"  # it did not end within its deadline
    HOST_KEY = "host key"  # the ssh host is not one of the pinned ones
    CERTIFICATE = "certificate"  # the https host could not be verified
    AUTHENTICATION = "authentication"  # the host wants other credentials
    UNREACHABLE = "unreachable"  # no such name, no route, refused
    REF_MISSING = "ref missing"  # the repository has no such ref or commit
    OWNERSHIP = "ownership"  # git refuses a repository of another user
    NO_ROOM = "no room"  # the disk is full
    NOT_FOUND = "not found"  # no repository there, or not for us
    NOT_A_REPOSITORY = "not a repository"  # the directory is none, or is damaged
    DAMAGED = "damaged"  # our mirror lacks what it should have
    TOO_MUCH = "too much"  # it printed more than is sane
    TOO_LARGE = "too large"  # a fetch brought more than the limit
    NO_GIT = "no git"  # the command is not installed
    OTHER = "other"  # anything else; its own words are shown


class GitError(SourceError):
    """A git command failed; `failure` says why."""

    def __init__(self, failure: GitFailure, about: str, detail: str) -> None:
        super().__init__(f"{about}: {detail}", _MEANINGS[failure].advice)
        self.failure = failure


def git_error(about: str, stderr: bytes, secrets: Iterable[str] = ()) -> GitError:
    """Say what git's standard error means for `about`, without any secret in it."""
    text = shown_words(stderr.decode("utf-8", "replace"), secrets)
    failure = failure_in(text)
    said = f"git said: {text}" if text else "git said nothing"
    return GitError(failure, about, f"{_MEANINGS[failure].title} ({said})")


def failure_in(text: str) -> GitFailure:
    """Return what git's words mean."""
    for failure, meaning in _MEANINGS.items():
        if meaning.signs and re.search("|".join(meaning.signs), text, re.IGNORECASE):
            return failure
    return GitFailure.OTHER


def shown_words(text: str, secrets: Iterable[str] = ()) -> str:
    """Return the text on one line: no secret, no control character, the last part of it."""
    for secret in secrets:
        for form in {secret, quote(secret), quote(secret, safe="")} - {""}:
            text = text.replace(form, "***")
    text = without_logins(text)
    text = re.sub(r"(://[^\s?'\"]*)\?[^\s'\"]*", r"\1", text)
    lines = [line.strip() for line in text.splitlines()]
    text = " / ".join(line for line in lines if line and not line.startswith("hint:"))
    text = "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)
    return text if len(text) <= SHOWN_CHARACTERS else "…" + text[-SHOWN_CHARACTERS:]


@dataclass(frozen=True)
class _Meaning:
    title: str
    advice: str
    signs: tuple[str, ...] = ()


# In this order: an early sign says more than a later one that stands in the same text.
_MEANINGS = {
    GitFailure.HOST_KEY: _Meaning(
        "the ssh host key is unknown or has changed",
        "verify the host's key and put its line (see ssh-keyscan) into the file that "
        "TRUELINE_SOURCE_KNOWN_HOSTS_FILE names",
        (
            "host key verification failed",
            "host identification has changed",
            "no .* host key is known",
        ),
    ),
    GitFailure.CERTIFICATE: _Meaning(
        "the host's certificate could not be verified",
        "make the host's authority known by SSL_CERT_FILE or GIT_SSL_CAINFO",
        (
            "ssl certificate problem",
            r"certificate verif\w+ failed",
            "error setting certificate",
            "no alternative certificate subject name",
        ),
    ),
    GitFailure.AUTHENTICATION: _Meaning(
        "authentication failed",
        "for https, put a token that can read the repository into the file that "
        "TRUELINE_SOURCE_TOKEN_FILE names; for ssh, name a private key of mode 0600 by "
        "TRUELINE_SOURCE_SSH_KEY_FILE",
        (
            "authentication failed",
            "could not read (username|password)",
            r"permission denied \(",
            "unprotected private key",
            r"returned error: 40[13]\b",
            "too many authentication failures",
        ),
    ),
    GitFailure.UNREACHABLE: _Meaning(
        "the host cannot be reached",
        "check TRUELINE_SOURCE_URL, the network and its proxy settings",
        (
            "could not resolve",
            "name or service not known",
            "temporary failure in name resolution",
            "connection refused",
            "failed to connect",
            "could ?n.t connect",
            "network is unreachable",
            "no route to host",
            "(connection|operation) timed out",
            "connection reset",
            "connection closed by",
            "operation too slow",
            "tls connection",
            "gnutls_handshake",
            "remote end hung up",
            "early eof",
            "rpc failed",
            r"returned error: 5\d\d",
        ),
    ),
    GitFailure.REF_MISSING: _Meaning(
        "it has no such ref or commit",
        "set TRUELINE_SOURCE_REF to a branch, tag or full commit id that exists",
        (
            "couldn't find remote ref",
            "not our ref",
            "unadvertised object",
            "remote ref .* not found",
        ),
    ),
    GitFailure.OWNERSHIP: _Meaning(
        "it belongs to another user",
        "give the repository to the user that Trueline runs as",
        ("dubious ownership",),
    ),
    GitFailure.NO_ROOM: _Meaning(
        "there is no room on the disk",
        "make room on the disk of TRUELINE_DATA_DIR; the next sync tries again",
        ("no space left", "disk quota exceeded"),
    ),
    GitFailure.NOT_FOUND: _Meaning(
        "there is no such repository, or it is private",
        "check TRUELINE_SOURCE_URL; a private repository also needs TRUELINE_SOURCE_TOKEN_FILE "
        "or TRUELINE_SOURCE_SSH_KEY_FILE",
        (
            "repository .*not found",
            "repository .*does not exist",
            "does not appear to be a git repository",
            r"returned error: 4(04|10)\b",
        ),
    ),
    GitFailure.NOT_A_REPOSITORY: _Meaning(
        "it is not a Git repository",
        "set TRUELINE_SOURCE_URL to a Git repository",
        ("not a git repository", "not a valid repository"),
    ),
    GitFailure.TIMEOUT: _Meaning(
        "it took too long",
        "check the host and the network, or raise TRUELINE_SOURCE_TIMEOUT_SECONDS",
    ),
    GitFailure.DAMAGED: _Meaning(
        "the local mirror is damaged",
        "nothing needs to be done: it is cloned again when the source can be reached",
    ),
    GitFailure.TOO_MUCH: _Meaning(
        "it is too large", "check that TRUELINE_SOURCE_URL is the repository you meant"
    ),
    GitFailure.TOO_LARGE: _Meaning(
        "it is too large",
        "take large files out of the repository, or raise TRUELINE_SOURCE_LIMIT_MB",
    ),
    GitFailure.NO_GIT: _Meaning("git is missing", "install git and put it on PATH"),
    GitFailure.OTHER: _Meaning("git failed", "see git's words; the next sync tries again"),
}
