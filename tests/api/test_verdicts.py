from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.verdicts import (
    ACTIVE,
    BY_HAND,
    WHOLE_INSIGHT,
    Finding,
    Fold,
    Observation,
    Standing,
    ViolationStatus,
    fingerprint,
    fold,
)
from utils.results import Verdict
from utils.tasks import Severity

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
OPEN, ACKNOWLEDGED = ViolationStatus.OPEN, ViolationStatus.ACKNOWLEDGED
MUTED, RESOLVED = ViolationStatus.MUTED, ViolationStatus.RESOLVED


def failed(*resources: str, partial: bool = False) -> Observation:
    findings = tuple(Finding(id_, Severity.HIGH) for id_ in resources or (WHOLE_INSIGHT,))
    return Observation(Verdict.FAIL, partial, findings)


def stands(
    resource_id: str, status: ViolationStatus = OPEN, muted_until: datetime | None = None
) -> Standing:
    return Standing(f"id of {resource_id}", resource_id, status, muted_until)


def test_a_fail_opens_one_violation_a_resource() -> None:
    opened = fold([], failed("a", "b"), NOW).opened
    assert [finding.resource_id for finding in opened] == ["a", "b"]


def test_a_fail_without_resources_concerns_the_insight_as_a_whole() -> None:
    assert fold([], failed(), NOW).opened == (Finding(WHOLE_INSIGHT, Severity.HIGH),)


@pytest.mark.parametrize(
    ("status", "muted_until", "becomes"),
    [
        (OPEN, None, OPEN),
        (ACKNOWLEDGED, None, ACKNOWLEDGED),
        (MUTED, None, MUTED),
        (MUTED, LATER, MUTED),
        (MUTED, NOW, OPEN),
        (RESOLVED, None, OPEN),
    ],
)
def test_what_is_seen_again_keeps_decisions_that_still_hold(
    status: ViolationStatus, muted_until: datetime | None, becomes: ViolationStatus
) -> None:
    (seen,) = fold([stands("a", status, muted_until)], failed("a"), NOW).seen
    assert seen.status is becomes


def test_resources_that_are_no_longer_listed_are_resolved() -> None:
    changes = fold([stands("a"), stands("b", MUTED), stands("c", RESOLVED)], failed("d"), NOW)
    assert [standing.resource_id for standing in changes.resolved] == ["a", "b"]


def test_a_fail_that_did_not_see_everything_resolves_nothing() -> None:
    changes = fold([stands("a")], failed("b", partial=True), NOW)
    assert changes.resolved == ()
    assert len(changes.opened) == 1


def test_a_pass_resolves_all_that_is_active() -> None:
    known = [stands("a"), stands("b", ACKNOWLEDGED), stands("c", MUTED), stands("d", RESOLVED)]
    changes = fold(known, Observation(Verdict.PASS), NOW)
    assert [standing.resource_id for standing in changes.resolved] == ["a", "b", "c"]


@pytest.mark.parametrize(
    "observed", [Observation(Verdict.UNKNOWN), Observation(Verdict.PASS, partial=True)]
)
def test_what_could_not_tell_changes_nothing(observed: Observation) -> None:
    assert fold([stands("a"), stands("b", MUTED)], observed, NOW) == Fold()


def test_a_fingerprint_is_stable_and_its_parts_cannot_run_into_each_other() -> None:
    assert fingerprint("i", "d", "t", "r") == fingerprint("i", "d", "t", "r")
    alike = [("a", "b", "c", "d"), ("ab", "", "c", "d"), ("a", 'b", "c', "", "d"), ("", "", "", "")]
    assert len({fingerprint(*parts) for parts in alike}) == len(alike)


def test_nobody_reopens_or_resolves_by_hand() -> None:
    assert BY_HAND[RESOLVED] == frozenset()
    assert all(RESOLVED not in following for following in BY_HAND.values())


resources = st.sets(st.sampled_from("abcd"), min_size=1)
observations = st.one_of(
    st.builds(lambda ids, partial: failed(*sorted(ids), partial=partial), resources, st.booleans()),
    st.builds(Observation, st.sampled_from([Verdict.PASS, Verdict.UNKNOWN]), st.booleans()),
)
decisions = st.tuples(st.sampled_from("abcd"), st.sampled_from(sorted(ACTIVE)))


class Ledger:
    """Violations as a database would keep them."""

    def __init__(self) -> None:
        self.standing: dict[str, Standing] = {}
        self.occurrences: dict[str, int] = {}

    def apply(self, changes: Fold) -> None:
        for finding in changes.opened:
            assert finding.resource_id not in self.standing, "two rows for one fingerprint"
            self.standing[finding.resource_id] = stands(finding.resource_id)
            self.occurrences[finding.resource_id] = 1
        for seen in changes.seen:
            self.standing[seen.standing.resource_id] = stands(
                seen.standing.resource_id, seen.status
            )
            self.occurrences[seen.standing.resource_id] += 1
        for gone in changes.resolved:
            self.standing[gone.resource_id] = stands(gone.resource_id, RESOLVED)

    def decide(self, resource_id: str, status: ViolationStatus) -> None:
        if resource_id in self.standing and status in BY_HAND[self.standing[resource_id].status]:
            self.standing[resource_id] = stands(resource_id, status)


@given(st.lists(st.one_of(observations, decisions), max_size=30))
def test_whatever_is_observed_and_decided_the_ledger_stays_true(
    steps: list[Observation | tuple[str, ViolationStatus]],
) -> None:
    ledger = Ledger()
    for step in steps:
        before, counted = dict(ledger.standing), dict(ledger.occurrences)
        if isinstance(step, tuple):
            ledger.decide(*step)
            continue
        ledger.apply(fold(ledger.standing.values(), step, NOW))
        active = {id_ for id_, known in ledger.standing.items() if known.status in ACTIVE}
        assert all(ledger.occurrences[id_] >= counted[id_] for id_ in counted)
        if step.verdict is Verdict.FAIL:
            found = {finding.resource_id for finding in step.findings}
            assert found <= active
            assert step.partial or active == found
        elif step.verdict is Verdict.PASS and not step.partial:
            assert not active
        else:
            assert (ledger.standing, ledger.occurrences) == (before, counted)
