from datetime import UTC, datetime, timedelta

import pytest

from api.grace import Grace

LEASE = timedelta(seconds=30)
START = datetime(2026, 3, 2, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def look(grace: Grace, *moments: float) -> list[float]:
    """Reach the database at these moments; return how long the outages before them were."""
    outages = [grace.note_reached(at(moment)) for moment in moments]
    return [outage.total_seconds() for outage in outages if outage is not None]


def test_leases_may_expire_one_lease_after_the_start() -> None:
    grace = Grace(START, LEASE)
    assert [grace.over(at(29)), grace.over(at(30))] == [False, True]


def test_outage_gives_every_lease_one_more_and_no_second() -> None:
    grace = Grace(at(-1000), LEASE)
    assert look(grace, 0, 1, 100, 101) == [99]
    look(grace, *range(102, 140))
    assert [grace.over(at(129)), grace.over(at(130))] == [False, True]


def test_nothing_expires_while_an_outage_lasts_or_before_its_end_is_noticed() -> None:
    grace = Grace(at(-1000), LEASE)
    look(grace, 0)
    assert [grace.over(at(moment)) for moment in (10, 10.1, 3600)] == [True, False, False]


@pytest.mark.parametrize("step", [1, 9, 10])
def test_what_falls_between_two_renewals_is_no_outage(step: int) -> None:
    """So leases of dead workers run out under a database that is away every other moment."""
    grace = Grace(at(-1000), LEASE)
    assert look(grace, *range(0, 100, step)) == []
    assert grace.over(at(99))


def test_clock_that_was_set_back_delays_by_one_lease_at_most() -> None:
    grace = Grace(START, LEASE)
    look(grace, 0, -3600)
    look(grace, *range(-3600, -3560))
    assert [grace.over(at(-3571)), grace.over(at(-3570))] == [False, True]
