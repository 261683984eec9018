from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from utils.checks import Checks
from utils.notes import Note
from worker.catalogue import Offer, catalogue_of
from worker.isolation import Isolation
from worker.lease import Lease
from worker.outbox import Outbox
from worker.worker_checks import add_checks, add_source_checks

if TYPE_CHECKING:
    from tests.worker.conftest import SmallSource, SyncParts


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    outbox = Outbox(tmp_path / "outbox.db", limit_bytes=400)
    yield outbox
    outbox.close()


def test_each_check_says_what_there_is(
    outbox: Outbox, small_source: SmallSource, sync_parts: Callable[[], SyncParts], tmp_path: Path
) -> None:
    small_source.put("one")
    small_source.push()
    parts = sync_parts()
    parts.sync.run()
    checks = Checks()
    add_checks(checks, tmp_path, Isolation.PROCESS, outbox)
    add_source_checks(checks, parts.sync, parts.current)
    found = {check.name: check for check in checks.run()}
    assert list(found) == ["data directory", "isolation", "outbox", "source", "environments"]
    assert not [check for check in found.values() if check.error]
    assert found["isolation"].detail == "process"
    assert found["environments"].detail == "1 of 1 integrations ready"
    assert "MiB free" in found["data directory"].detail


def test_what_is_wrong_is_told_with_what_to_do(
    outbox: Outbox, small_source: SmallSource, sync_parts: Callable[[], SyncParts], tmp_path: Path
) -> None:
    small_source.push("[]")
    parts = sync_parts()
    small_source.path.rename(small_source.path.with_name("away"))
    parts.sync.run()
    problem = Note("it does not build", "mend it")
    broken = [Offer(name, "c" * 40, None, problem, name != "c") for name in ("b", "a", "c")]
    parts.current.replace(catalogue_of("c" * 40, broken))
    outbox.append(Lease("j", 1, "t"), {"type": "started", "text": "x" * 300})
    checks = Checks()
    add_checks(checks, tmp_path / "gone", Isolation.PROCESS, outbox)
    add_source_checks(checks, parts.sync, parts.current)
    found = {check.name: check for check in checks.run()}
    failed = [name for name, check in found.items() if check.error]
    assert failed == ["data directory", "outbox", "source", "environments"]
    assert all(found[name].advice for name in failed)
    assert "2 of 3 environments could not be built: a, b" in str(found["environments"].error)
    assert "no new jobs are taken" in str(found["outbox"].error)
