import itertools

import pytest

from worker.child_events import Cause
from worker.job_cause import heavier


def test_the_heaviest_decides_in_whatever_order() -> None:
    kinds = ("disabled", "permanent", "temporary", "rate_limited", "not_configured", "auth")
    causes = [Cause(kind=kind, retry_after=None) for kind in kinds]  # type: ignore[arg-type]  # a table of literals
    for lighter, other in itertools.combinations(causes, 2):
        assert heavier(lighter, other) is heavier(other, lighter) is other


@pytest.mark.parametrize("cause", [None, Cause(kind="auth", retry_after=None)])
def test_none_weighs_nothing(cause: Cause | None) -> None:
    assert heavier(None, cause) is heavier(cause, None) is cause


def test_of_two_rate_limits_the_longer_one_decides() -> None:
    waits = [Cause(kind="rate_limited", retry_after=wait) for wait in (None, 5.0, 60.0)]
    assert heavier(heavier(waits[0], waits[2]), waits[1]) is waits[2]
