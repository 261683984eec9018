"""detect-secrets' detectors, chosen and grouped by how far a match can be trusted."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from detect_secrets.filters.allowlist import is_line_allowlisted
from detect_secrets.settings import get_plugins, transient_settings
from detect_secrets.util.code_snippet import CodeSnippet

from integrations.repository_audit.candidate_lines import CandidateLine

# Formats that one provider alone gives out: a match needs no further evidence.
TOKEN_FORMATS = (
    "ArtifactoryDetector",
    "AWSKeyDetector",
    "AzureStorageKeyDetector",
    "DiscordBotTokenDetector",
    "GitHubTokenDetector",
    "GitLabTokenDetector",
    "MailchimpDetector",
    "NpmDetector",
    "OpenAIDetector",
    "PypiTokenDetector",
    "SendGridDetector",
    "SlackDetector",
    "SquareOAuthDetector",
    "StripeDetector",
    "TelegramBotTokenDetector",
    "TwilioKeyDetector",
)
KEY_FILES = ("PrivateKeyDetector",)
SIGNED_TOKENS = ("JwtTokenDetector",)
# Values that stand where a secret would: the value itself has to look like one.
ASSIGNMENTS = ("BasicAuthDetector", "KeywordDetector")
# Random strings: the name in front of them has to be a secret's, too.
RANDOM_STRINGS = ("Base64HighEntropyString", "HexHighEntropyString")

# detect-secrets reads `NAME=value` without quotes in files of these kinds only under this suffix.
UNQUOTED_SUFFIXES = frozenset({".env", ".sh", ".bash", ".zsh", ".netrc", ".npmrc", ".pypirc", ""})
UNQUOTED_AS = ".conf"


@dataclass(frozen=True)
class Match:
    """What one detector saw on a line; `value` never leaves this process."""

    type: str
    value: str


@dataclass(frozen=True)
class Detectors:
    """The chosen detectors, made once a scan."""

    token_formats: tuple[Any, ...]
    key_files: tuple[Any, ...]
    signed_tokens: tuple[Any, ...]
    assignments: tuple[Any, ...]
    random_strings: tuple[Any, ...]


def make_detectors() -> Detectors:
    """Make every detector; none of them verifies a secret with its provider."""
    groups = (TOKEN_FORMATS, KEY_FILES, SIGNED_TOKENS, ASSIGNMENTS, RANDOM_STRINGS)
    return Detectors(*(_made(names) for names in groups))


def read_as(path: str) -> str:
    """Return the file name under which detect-secrets reads a file of this kind best."""
    where = PurePosixPath(path.lower())
    if where.suffix in UNQUOTED_SUFFIXES or where.name.startswith(".env"):
        return path + UNQUOTED_AS
    return path


def matches(detectors: tuple[Any, ...], path: str, line: CandidateLine) -> Iterator[Match]:
    """Yield what `detectors` see on a line, in their order; `path` is as `read_as` gives it."""
    for detector in detectors:
        for found in detector.analyze_line(
            filename=path, line=line.text, line_number=line.number, context=None
        ):
            yield Match(found.type, _trimmed(found.secret_value))


def is_allowlisted(path: str, line: CandidateLine) -> bool:
    """Whether a `pragma: allowlist secret` comment on or above the line excuses it."""
    whole = line.text + line.ending
    if "pragma" not in whole and "pragma" not in line.before:
        return False
    around = CodeSnippet([line.before, whole], start_line=line.number - 1, target_index=1)
    return bool(is_line_allowlisted(path, whole, around))


def _made(names: tuple[str, ...]) -> tuple[Any, ...]:
    with transient_settings({"plugins_used": [{"name": name} for name in names]}):
        return tuple(get_plugins())


def _trimmed(value: str) -> str:
    """Cut what an unquoted value drags along: a comment, quotes, a closing sign."""
    return value.partition(" #")[0].strip().strip("'\"`,;")
