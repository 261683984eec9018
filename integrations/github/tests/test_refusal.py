import pytest

from integrations.github.refusal import refusal_of, seen
from utils.errors import (
    IntegrationAuthError,
    IntegrationError,
    IntegrationPermanentError,
    IntegrationRateLimited,
    IntegrationTemporaryError,
)


def forbidden(message: str) -> IntegrationAuthError:
    body = f'{{"message":"{message}","documentation_url":"https://docs.github.com"}}'
    return IntegrationAuthError(f"GET https://x answered 403 Forbidden: {body}", status=403)


@pytest.mark.parametrize(
    "message",
    [
        "Dependabot alerts are disabled for this repository.",
        "Dependabot alerts are not available for archived repositories.",
        "Secret scanning is disabled on this repository.",
        "Upgrade to GitHub Pro or make this repository public to enable this feature.",
        "Advanced Security must be enabled for this repository to use code scanning.",
    ],
)
def test_a_feature_that_is_off_is_told_from_one_that_cannot_be_seen(message: str) -> None:
    refusal = refusal_of(forbidden(message))
    assert refusal is not None
    assert refusal.is_off
    assert refusal.shown == f"403 {message.rstrip('.')}"


def test_what_the_token_may_not_see_is_not_off() -> None:
    refusal = refusal_of(forbidden("Resource not accessible by personal access token"))
    assert refusal is not None
    assert not refusal.is_off


def test_a_refusal_without_a_message_shows_its_status() -> None:
    refusal = refusal_of(IntegrationPermanentError("answered 404: <html>", status=404))
    assert refusal is not None
    assert refusal.shown == "404"


@pytest.mark.parametrize(
    "error",
    [
        IntegrationAuthError("Bad credentials", status=401),
        IntegrationRateLimited("API rate limit exceeded", status=403),
        IntegrationTemporaryError("ill", status=502),
        IntegrationTemporaryError("no connection"),
        IntegrationPermanentError("the proxy lets nobody there", status=403),
        IntegrationPermanentError("that is not JSON", status=200),
    ],
)
def test_what_concerns_every_question_is_raised(error: IntegrationError) -> None:
    def ask() -> None:
        raise error

    with pytest.raises(type(error)):
        seen(ask)
