import pytest

from worker.held_leases import HeldLeases
from worker.lease import Lease
from worker.stop_signal import StopSignal

A = Lease("a", 1, "ta")
B = Lease("b", 1, "tb")


@pytest.fixture
def held() -> HeldLeases:
    return HeldLeases()


def test_a_lease_is_held_while_its_job_runs(held: HeldLeases) -> None:
    with held.hold(A, 30, 100.0, StopSignal()):
        assert held.good() == (A,)
    assert held.good() == ()


def test_a_lease_that_is_not_renewed_stops_its_job_before_it_ends(held: HeldLeases) -> None:
    stop = StopSignal()
    with held.hold(A, 10, 100.0, stop):
        assert held.fence(107.9) == ()
        assert stop.reason is None

        assert held.fence(108.0) == (A,)

        assert stop.reason == "interrupted"
        assert held.is_lost(A)
        assert held.good() == ()
        assert held.fence(200.0) == ()


def test_a_renewed_lease_counts_from_when_renewal_was_asked_for(held: HeldLeases) -> None:
    with held.hold(A, 10, 100.0, StopSignal()), held.hold(B, 10, 100.0, StopSignal()):
        held.extend([A], 105.0)

        assert held.fence(112.0) == (B,)
        assert held.fence(113.0) == (A,)


def test_renewal_is_due_after_a_third_of_a_lease_or_two_seconds(held: HeldLeases) -> None:
    assert not held.renewal_due(1e9)
    with held.hold(A, 3, 100.0, StopSignal()):
        assert not held.renewal_due(100.9)
        assert held.renewal_due(101.0)
        assert held.seconds_between() == pytest.approx(1.0)
    with held.hold(B, 3000, 100.0, StopSignal()):
        assert held.seconds_between() == pytest.approx(2.0)


def test_a_cancelled_job_is_stopped_and_keeps_its_lease(held: HeldLeases) -> None:
    a, b = StopSignal(), StopSignal()
    with held.hold(A, 30, 100.0, a), held.hold(B, 30, 100.0, b):
        held.cancel(["a"])

        assert (a.reason, b.reason) == ("cancelled", None)
        assert held.good() == (A, B)


def test_a_new_attempt_is_untouched_when_an_older_one_is_lost(held: HeldLeases) -> None:
    newer = Lease("a", 2, "other")
    old, new = StopSignal(), StopSignal()
    with held.hold(A, 30, 100.0, old), held.hold(newer, 30, 100.0, new):
        held.lose(A)

        assert (old.reason, new.reason) == ("interrupted", None)
        assert held.good() == (newer,)


def test_losing_a_lease_that_is_not_held_is_nothing(held: HeldLeases) -> None:
    held.lose(A)


def test_interrupt_stops_every_job(held: HeldLeases) -> None:
    a, b = StopSignal(), StopSignal()
    with held.hold(A, 30, 100.0, a), held.hold(B, 30, 100.0, b):
        held.interrupt()

    assert (a.reason, b.reason) == ("interrupted", "interrupted")


def test_what_has_ended_is_renewed_as_often_as_its_lease_asks_for() -> None:
    held = HeldLeases()
    with held.hold(Lease("short", 1, "t"), 1.5, 0.0, StopSignal()):
        pass
    assert held.seconds_between() == 0.5
