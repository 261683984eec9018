from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs

from utils.steps import logged_step

if TYPE_CHECKING:
    from tests.worker.conftest import SmallSource, SyncParts

Make = Callable[..., "SyncParts"]


def events(logs: Sequence[Mapping[str, Any]], name: str) -> list[Mapping[str, Any]]:
    return [entry for entry in logs if entry["event"] == name]


def test_first_sync_offers_every_enabled_integration_with_its_tasks(
    small_source: SmallSource, sync_parts: Make
) -> None:
    small_source.put("one")
    small_source.put("two")
    small_source.put("off", enabled=False)
    commit = small_source.push()
    parts = sync_parts()

    with capture_logs() as logs:
        assert parts.sync.run(logged_step)

    assert parts.catalogue.commit == commit
    assert sorted(parts.catalogue.offers) == ["one", "two"]
    good = parts.catalogue.offers["one"].good
    assert good is not None
    assert [task["name"] for task in good.tasks] == ["look"]
    assert good.prepared.snapshot.joinpath("integrations", "one", "entry.py").is_file()
    assert parts.sync.state.name == "ok"
    assert [entry["step"] for entry in events(logs, "start step")] == [
        "source",
        "manifest",
        "environments",
    ]
    (taken,) = events(logs, "commit taken")
    assert taken["commit"] == commit
    assert {entry["integration"] for entry in events(logs, "integration ready")} == {"one", "two"}


def test_nothing_changed_is_one_look_at_the_source(
    small_source: SmallSource, sync_parts: Make
) -> None:
    small_source.put("one")
    small_source.push()
    parts = sync_parts()
    parts.sync.run()
    before = parts.catalogue

    with capture_logs() as logs:
        assert not parts.sync.run()

    assert logs == []
    assert parts.catalogue is before


def test_only_what_changed_is_described_again(small_source: SmallSource, sync_parts: Make) -> None:
    small_source.put("one")
    small_source.put("two")
    small_source.push()
    parts = sync_parts()
    parts.sync.run()
    tasks = {name: offer.good.tasks for name, offer in parts.catalogue.offers.items() if offer.good}
    small_source.put("two", version=2)
    commit = small_source.push()

    assert parts.sync.run()

    goods = {name: offer.good for name, offer in parts.catalogue.offers.items() if offer.good}
    assert goods["one"].tasks is tasks["one"]
    assert goods["two"].tasks is not tasks["two"]
    assert {good.prepared.commit for good in goods.values()} == {commit}


def test_broken_integration_keeps_its_last_good_pair_and_harms_no_other(
    small_source: SmallSource, sync_parts: Make
) -> None:
    small_source.put("one")
    small_source.put("two")
    first = small_source.push()
    parts = sync_parts()
    parts.sync.run()
    small_source.put("one", entry="class (")
    small_source.put("two", version=2)
    second = small_source.push()

    with capture_logs() as logs:
        assert parts.sync.run()

    one, two = (parts.catalogue.offers[name] for name in ("one", "two"))
    assert not one.is_ready
    assert one.judged_at == second
    assert one.problem is not None
    assert "entry.py" in one.problem.reason
    assert parts.catalogue.pair("one").commit == first
    assert two.is_ready
    assert parts.catalogue.pair("two").commit == second
    (broken,) = events(logs, "integration broken")
    assert broken["integration"] == "one"
    assert broken["advice"]


def test_environment_that_cannot_be_built_is_tried_again_without_a_new_commit(
    small_source: SmallSource, sync_parts: Make, tmp_path: Path
) -> None:
    small_source.put("one")
    small_source.put("bad", entry="class (")
    small_source.push()
    blocked = tmp_path / "environments" / "envs"
    parts = sync_parts(blocked.parent)
    blocked.parent.mkdir(parents=True)
    blocked.write_text("in the way")

    with capture_logs() as logs:
        parts.sync.run()
    assert not parts.catalogue.offers["one"].is_ready
    assert events(logs, "environment broken")

    blocked.unlink()
    assert parts.sync.run()
    assert parts.catalogue.offers["one"].is_ready
    with capture_logs() as logs:
        assert not parts.sync.run()
    assert logs == []


def test_bad_requirements_name_the_line_and_are_not_tried_again(
    small_source: SmallSource, sync_parts: Make
) -> None:
    small_source.put("one", requirements="requests ==== 1\n")
    small_source.push()
    parts = sync_parts()
    parts.sync.run()

    problem = parts.catalogue.offers["one"].problem

    assert problem is not None
    assert "line 1" in problem.reason
    assert not parts.sync.run()


def test_source_that_is_away_leaves_the_last_good_commit_and_says_why(
    small_source: SmallSource, sync_parts: Make
) -> None:
    small_source.put("one")
    commit = small_source.push()
    sync_parts().sync.run()
    small_source.path.rename(small_source.path.with_name("away"))
    again = sync_parts()

    with capture_logs() as logs:
        assert again.sync.run()

    assert again.catalogue.commit == commit
    assert again.catalogue.pair("one").commit == commit
    assert again.sync.state.name == "degraded"
    assert again.sync.state.problem is not None
    assert again.sync.state.problem.reason
    (said,) = events(logs, "source degraded")
    assert said["serving"] == commit
    assert not again.sync.run()

    small_source.path.with_name("away").rename(small_source.path)
    assert again.sync.run()
    assert again.sync.state.name == "ok"


@pytest.mark.parametrize("manifest", ["not json", "{}"])
def test_unusable_manifest_leaves_the_last_good_commit(
    small_source: SmallSource, sync_parts: Make, manifest: str
) -> None:
    small_source.put("one")
    first = small_source.push()
    parts = sync_parts()
    parts.sync.run()
    small_source.push(manifest)

    assert parts.sync.run()

    assert parts.catalogue.commit == first
    assert parts.sync.state.problem is not None
    assert "integrations.json" in parts.sync.state.problem.reason
    assert not parts.sync.run()


def test_integration_that_leaves_the_manifest_leaves_the_catalogue(
    small_source: SmallSource, sync_parts: Make
) -> None:
    small_source.put("one")
    small_source.put("two")
    small_source.push()
    parts = sync_parts()
    parts.sync.run()
    small_source.put("two", enabled=False)
    small_source.push()

    parts.sync.run()

    assert sorted(parts.catalogue.offers) == ["one"]


def test_restart_judges_again_but_builds_and_describes_nothing(
    small_source: SmallSource, sync_parts: Make, tmp_path: Path
) -> None:
    small_source.put("one")
    small_source.push()
    first = sync_parts(tmp_path / "environments")
    first.sync.run()
    again = sync_parts(tmp_path / "environments")
    before = again.catalogue.offers["one"].good
    assert before is not None

    with capture_logs() as logs:
        again.sync.run()

    assert [entry["seconds"] for entry in events(logs, "environment ready")] == [None]
    assert not events(logs, "environment build started")
    after = again.catalogue.offers["one"].good
    assert after is not None
    assert after.tasks is before.tasks


def test_entry_without_a_folder_is_broken_beside_the_others(
    small_source: SmallSource, sync_parts: Make
) -> None:
    small_source.put("one")
    manifest = '[{"name": "one", "title": "One"}, {"name": "two", "title": "Two"}]'
    small_source.push(manifest)
    parts = sync_parts()

    parts.sync.run()

    assert parts.catalogue.offers["one"].is_ready
    two = parts.catalogue.offers["two"]
    assert two.problem is not None
    assert "integrations/two" in two.problem.reason


def test_branch_that_goes_back_to_an_older_commit_takes_it_along(
    small_source: SmallSource, sync_parts: Make
) -> None:
    small_source.put("one")
    first = small_source.push()
    parts = sync_parts()
    parts.sync.run()
    small_source.put("one", version=2)
    second = small_source.push()
    parts.sync.run()
    parts.snapshots.discard(first)
    small_source.go_back(first)

    assert parts.sync.run()

    assert parts.catalogue.commit == parts.catalogue.pair("one").commit == first
    looks = [
        (parts.snapshots.directory / commit / "integrations/one/collectors/look.py").read_text()
        for commit in (first, second)
    ]
    assert [text.replace("2", "1") for text in looks] == [looks[0], looks[0]]
    assert looks[0] != looks[1]


def test_restart_after_a_loss_of_power_makes_again_what_was_not_on_the_disk(
    small_source: SmallSource, sync_parts: Make
) -> None:
    small_source.put("one")
    commit = small_source.push()
    before = sync_parts()
    before.sync.run()
    notes = before.snapshots.directory / f"{commit}.json"
    notes.write_text(notes.read_text().replace(before.snapshots.boot, "an earlier one"))
    entry = before.catalogue.pair("one").snapshot / "integrations" / "one" / "entry.py"
    whole = entry.read_text()
    entry.chmod(0o644)
    entry.write_text("")
    small_source.path.rename(small_source.path.with_name("away"))

    again = sync_parts()

    assert again.catalogue.pair("one").commit == commit
    assert entry.read_text() == whole
