import pickle

import pytest

from utils import errors
from utils.errors import TruelineError
from utils.integration_errors import (
    REASON_LIMIT,
    Cause,
    IntegrationAuthError,
    IntegrationDisabled,
    IntegrationError,
    IntegrationNotConfigured,
    IntegrationPermanentError,
    IntegrationRateLimited,
    IntegrationTemporaryError,
)

TREE: dict[type[IntegrationError], Cause] = {
    IntegrationDisabled: Cause.DISABLED,
    IntegrationNotConfigured: Cause.NOT_CONFIGURED,
    IntegrationAuthError: Cause.AUTH,
    IntegrationRateLimited: Cause.RATE_LIMITED,
    IntegrationTemporaryError: Cause.TEMPORARY,
    IntegrationPermanentError: Cause.PERMANENT,
}


@pytest.mark.parametrize(("kind", "cause"), TREE.items())
def test_each_kind_has_a_cause_and_says_something_useful_by_itself(
    kind: type[IntegrationError], cause: Cause
) -> None:
    error = kind()
    assert isinstance(error, IntegrationError)
    assert isinstance(error, TruelineError)
    assert error.cause is cause
    assert error.reason
    assert error.advice
    assert str(error) == f"{error.reason}; {error.advice}"


def test_every_cause_has_its_kind() -> None:
    assert set(TREE.values()) == set(Cause)


@pytest.mark.parametrize("kind", [IntegrationError, *TREE])
def test_the_tree_is_found_beside_the_other_errors(kind: type[IntegrationError]) -> None:
    assert getattr(errors, kind.__name__) is kind


def test_no_secret_is_told_that_an_author_put_in() -> None:
    error = IntegrationTemporaryError(
        "GET https://me:hunter22@host/?token=hunter22 said password=hunter22",
        "send Authorization: Bearer hunter22 again",
    )
    assert "hunter22" not in f"{error} {error!r} {error.reason} {error.advice} {error.args}"


def test_a_reason_is_cut() -> None:
    assert len(IntegrationError("x" * 5000).reason) == REASON_LIMIT


def test_it_keeps_status_and_wait() -> None:
    error = IntegrationRateLimited("too fast", status=429, retry_after=7.5)
    again = pickle.loads(pickle.dumps(error))
    assert (again.reason, again.status, again.retry_after) == ("too fast", 429, 7.5)
