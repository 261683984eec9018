from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from utils.manifest import Rejected
from utils.quality import Quality, folder_digest, quality_text
from utils.snapshot import Snapshot
from utils.tiers import Tier
from worker.catalogue import Good, Offer
from worker.environments import Environments
from worker.execution import ProcessExecutor
from worker.preparation import Candidate, Preparation, broken_offer

if TYPE_CHECKING:
    from tests.worker.conftest import SmallSource

C1, C2 = "1" * 40, "2" * 40
SDK = Path(__file__).parents[2] / "utils"


@pytest.fixture
def preparation(tmp_path: Path, describer_with: Callable[..., ProcessExecutor]) -> Preparation:
    environments = Environments(tmp_path / "environments", (), SDK)
    return Preparation(environments, describer_with(), frozenset())


@pytest.fixture
def candidate(small_source: SmallSource, tmp_path: Path) -> Callable[[str, str], Candidate]:
    def make(tree: str = "tree", commit: str = C1) -> Candidate:
        path = tmp_path / commit  # a snapshot never changes: each commit has its own
        if not path.exists():
            path.symlink_to(small_source.path)
        return Candidate("one", tree, Snapshot(commit, path), {"url": "u", "ref": "r"})

    return make


Make = Callable[..., Candidate]


def good_of(offer: Offer) -> Good:
    assert offer.problem is None
    assert offer.good is not None
    return offer.good


def test_new_integration_gets_its_environment_and_its_tasks(
    preparation: Preparation, small_source: SmallSource, candidate: Make
) -> None:
    small_source.put("one")

    with capture_logs() as logs:
        offer = preparation.judge(candidate(), None)

    good = good_of(offer)
    assert [task["name"] for task in good.tasks] == ["look"]
    assert good.prepared.environment.python.exists()
    assert [entry["event"] for entry in logs] == [
        "environment build started",
        "environment ready",
        "integration ready",
    ]
    assert logs[1]["key"] == good.prepared.environment.key
    assert logs[1]["seconds"] > 0


def test_the_tier_is_that_of_these_files_or_none(
    preparation: Preparation, small_source: SmallSource, candidate: Make
) -> None:
    small_source.put("one")
    folder = candidate().folder
    quality = Quality(Tier.GOLD, folder_digest(folder), {}, {}, "1", is_fresh=True)
    (folder / "quality.json").write_text(quality_text(quality))

    fresh = preparation.judge(candidate(), None)
    (folder / "entry.py").write_text((folder / "entry.py").read_text() + "# later\n")
    stale = preparation.judge(candidate("other"), fresh)

    assert (good_of(fresh).tier, good_of(stale).tier) == ("gold", None)


def test_same_folder_at_a_new_commit_is_taken_over_without_running_it(
    preparation: Preparation, small_source: SmallSource, candidate: Make
) -> None:
    small_source.put("one")
    before = preparation.judge(candidate(), None)
    small_source.put("one", entry="raise SystemExit('must not be run')")

    after = preparation.judge(candidate(commit=C2), before)

    assert good_of(after).tasks is good_of(before).tasks
    assert good_of(after).prepared.commit == C2


def test_changed_folder_that_does_not_load_keeps_the_last_good_pair(
    preparation: Preparation, small_source: SmallSource, candidate: Make
) -> None:
    small_source.put("one")
    before = preparation.judge(candidate(), None)
    small_source.put("one", entry="import nothing_like_it")

    after = preparation.judge(candidate("other tree", C2), before)

    assert not after.is_ready
    assert after.good is before.good
    assert after.problem is not None
    assert "nothing_like_it" in after.problem.reason
    assert after.problem.advice
    assert not after.retry


def test_rejected_entry_is_broken_and_keeps_its_last_good_pair() -> None:
    before = Offer("one", C1, None)
    rejected = Rejected("one", "entry 1: unknown key", "correct it")

    with capture_logs() as logs:
        offer = broken_offer(rejected, C2, before)

    assert offer.problem is not None
    assert (offer.problem.reason, offer.judged_at) == ("entry 1: unknown key", C2)
    assert logs[0]["event"] == "integration broken"
