"""What can go wrong between an integration and the system that it talks to, by its cause."""

from enum import StrEnum

from utils.base_error import TruelineError

REASON_LIMIT = 1000
BODY_LIMIT = 500


class Cause(StrEnum):
    """Why a call to another system did not work, and so what to do about it."""

    DISABLED = "disabled"  # it is switched off; nothing is wrong
    NOT_CONFIGURED = "not_configured"  # something is missing in the config
    AUTH = "auth"  # the credentials are refused: wait for new ones
    RATE_LIMITED = "rate_limited"  # asked too often: ask again later
    TEMPORARY = "temporary"  # may work when it is tried again
    PERMANENT = "permanent"  # would fail again just so


class IntegrationError(TruelineError):
    """Base of these errors: catch it to handle any of them.

    Its texts hold no secret that can be known by its shape: credentials and query values of URLs,
    tokens and passwords beside their names. `status` is that of the HTTP answer, where one came,
    and `body` the beginning of its body, in one line.

    >>> raise IntegrationPermanentError("project 'dns' is archived", "take it out of the config")
    """

    cause = Cause.PERMANENT
    usual_reason = "the other system cannot be used"
    usual_advice = ""

    def __init__(self, reason: str = "", advice: str = "", *, status: int | None = None) -> None:
        # Only once something failed: to import it costs a job the time of regular expressions.
        from utils.concealed import concealed, one_line  # noqa: PLC0415

        said = one_line(concealed(reason), REASON_LIMIT) or self.usual_reason
        super().__init__(said, one_line(concealed(advice), REASON_LIMIT) or self.usual_advice)
        self.status = status
        self.body = ""


class IntegrationDisabled(IntegrationError):  # noqa: N818 - the names that plugins rely on
    """The integration is switched off: a state, not a fault."""

    cause = Cause.DISABLED
    usual_reason = "the integration is disabled"
    usual_advice = "set `enabled` to true in its configuration to use it"


class IntegrationNotConfigured(IntegrationError):  # noqa: N818 - same
    """The integration is enabled, and its configuration lacks something."""

    cause = Cause.NOT_CONFIGURED
    usual_reason = "the integration's configuration is not complete"
    usual_advice = "complete the configuration of its deployment"


class IntegrationAuthError(IntegrationError):
    """The credentials are refused; the same ones would be refused again."""

    cause = Cause.AUTH
    usual_reason = "the credentials were refused"
    usual_advice = "renew the credentials or their permissions in the deployment's config"


class IntegrationRateLimited(IntegrationError):  # noqa: N818 - same
    """The other system wants fewer requests; `retry_after` are seconds to wait, if it said so."""

    cause = Cause.RATE_LIMITED
    usual_reason = "the rate limit is spent"
    usual_advice = "run it less often, or ask for a higher limit"

    def __init__(
        self,
        reason: str = "",
        advice: str = "",
        *,
        status: int | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(reason, advice, status=status)
        self.retry_after = retry_after


class IntegrationTemporaryError(IntegrationError):
    """It may work later: the other system is ill, slow or cannot be reached."""

    cause = Cause.TEMPORARY
    usual_reason = "the other system did not answer as it should"
    usual_advice = "see whether it is up and can be reached from the worker"


class IntegrationPermanentError(IntegrationError):
    """The request itself is wrong; to repeat it would not help."""

    cause = Cause.PERMANENT
    usual_reason = "the request was refused"
    usual_advice = "correct the request, or the configuration that it was made from"
