from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from worker.reclaim import Reclaim

if TYPE_CHECKING:
    from tests.worker.conftest import SmallSource, SyncParts


@pytest.fixture
def parts(small_source: SmallSource, sync_parts: Callable[[], SyncParts]) -> SyncParts:
    small_source.put("one")
    small_source.push()
    parts = sync_parts()
    parts.sync.run()
    return parts


def move_on(parts: SyncParts, entry: str = "") -> str:
    if entry:
        parts.source.put("one", version=2, entry=entry)
    else:
        parts.source.put("one", version=2)
    commit = parts.source.push()
    parts.sync.run()
    return commit


def test_snapshot_that_nothing_uses_is_removed(parts: SyncParts) -> None:
    newest = move_on(parts)

    Reclaim(parts.snapshots, parts.environments, parts.current, grace_seconds=0).run()

    assert parts.snapshots.commits() == (newest,)


def test_young_snapshot_stays_for_a_while(parts: SyncParts) -> None:
    move_on(parts)

    Reclaim(parts.snapshots, parts.environments, parts.current, grace_seconds=3600).run()

    assert len(parts.snapshots.commits()) == 2


def test_snapshot_of_a_running_job_stays_until_the_job_ends(parts: SyncParts) -> None:
    reclaim = Reclaim(parts.snapshots, parts.environments, parts.current, grace_seconds=0)
    with parts.current.hold("one") as held:
        move_on(parts)
        reclaim.run()
        assert (held.snapshot / "integrations" / "one" / "entry.py").is_file()

    reclaim.run()

    assert not held.snapshot.exists()


def test_last_good_snapshot_of_a_broken_integration_stays(parts: SyncParts) -> None:
    good = parts.catalogue.commit
    newest = move_on(parts, entry="class (")

    Reclaim(parts.snapshots, parts.environments, parts.current, grace_seconds=0).run()

    assert set(parts.snapshots.commits()) == {good, newest}


def test_environment_that_the_catalogue_offers_stays(parts: SyncParts) -> None:
    Reclaim(parts.snapshots, parts.environments, parts.current, grace_seconds=0).run()

    assert parts.catalogue.pair("one").environment.path.exists()


def test_disk_that_does_not_take_them_is_told_and_tried_again(
    parts: SyncParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: Path) -> None:
        raise OSError(errno.ENOSPC, "no room")

    reclaim = Reclaim(parts.snapshots, parts.environments, parts.current, grace_seconds=0)
    with monkeypatch.context() as patch, capture_logs() as logs:
        patch.setattr("utils.snapshot.sync_file_system", full)
        reclaim.run()
    assert [entry["reason"].endswith("no room") for entry in logs] == [True]
    with capture_logs() as logs:
        reclaim.run()
    assert not logs


def test_snapshots_that_stay_are_on_the_disk_from_then_on(parts: SyncParts) -> None:
    after_restart = replace(parts.snapshots, boot="another")
    inode = parts.catalogue.pair("one").snapshot.stat().st_ino
    Reclaim(parts.snapshots, parts.environments, parts.current, grace_seconds=0).run()

    found = after_restart.find(parts.catalogue.pair("one").commit)

    assert found is not None
    assert found.stat().st_ino == inode
