"""The errors that Trueline raises: each says what is wrong, where, and what to do now."""

from utils.base_error import TruelineError
from utils.integration_errors import (
    IntegrationAuthError,
    IntegrationDisabled,
    IntegrationError,
    IntegrationNotConfigured,
    IntegrationPermanentError,
    IntegrationRateLimited,
    IntegrationTemporaryError,
)

__all__ = [
    "AuthoringError",
    "IntegrationAuthError",
    "IntegrationDisabled",
    "IntegrationError",
    "IntegrationNotConfigured",
    "IntegrationPermanentError",
    "IntegrationRateLimited",
    "IntegrationTemporaryError",
    "InvalidResult",
    "ManifestError",
    "SettingsError",
    "SourceError",
    "TruelineError",
    "UpstreamFailed",
]


class AuthoringError(TruelineError):
    """An integration's own files are wrong: its entry, its Runner or one of its tasks."""


class UpstreamFailed(TruelineError):  # noqa: N818 - the name that plugins rely on
    """A task read the data of a task that did not succeed."""


class InvalidResult(TruelineError):  # noqa: N818 - reads as the state it reports
    """A task returned something that cannot be recorded; `path` leads to the value."""

    def __init__(self, path: str, reason: str, advice: str = "") -> None:
        super().__init__(f"invalid result: {path}: {reason}", advice)
        self.path = path


class SettingsError(TruelineError):
    """A setting is unknown or has a value that cannot be used."""


class SourceError(TruelineError):
    """A Git source cannot be reached or used."""


class ManifestError(TruelineError):
    """`integrations.json` cannot be used."""
