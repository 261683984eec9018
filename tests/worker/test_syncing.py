from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from worker.syncing import Syncing

if TYPE_CHECKING:
    from tests.worker.conftest import Eventually, SmallSource, SyncParts


@pytest.fixture
def parts(small_source: SmallSource, sync_parts: Callable[[], SyncParts]) -> SyncParts:
    small_source.put("one")
    small_source.push()
    parts = sync_parts()
    parts.sync.run()
    return parts


@pytest.fixture
def published() -> list[str | None]:
    return []


@pytest.fixture
def reclaimed() -> list[int]:
    return []


@pytest.fixture
def syncing(
    parts: SyncParts, published: list[str | None], reclaimed: list[int]
) -> Iterator[Syncing]:
    syncing = Syncing(
        parts.sync,
        parts.current,
        lambda: published.append(parts.catalogue.commit),
        lambda: reclaimed.append(1),
    )
    syncing.start()
    yield syncing
    syncing.stop(30)


def test_sync_that_is_asked_for_happens_and_is_published(
    syncing: Syncing,
    small_source: SmallSource,
    parts: SyncParts,
    published: list[str | None],
    eventually: Eventually,
) -> None:
    small_source.put("one", version=2)
    commit = small_source.push()

    syncing.ask_sync()

    eventually(lambda: published)
    assert published == [commit]
    assert parts.catalogue.commit == commit


def test_sync_that_finds_nothing_new_is_not_published(
    syncing: Syncing, published: list[str | None], reclaimed: list[int], eventually: Eventually
) -> None:
    syncing.ask_sync()
    syncing.ask_reclaim()

    eventually(lambda: reclaimed)
    assert published == []


def test_job_waits_for_the_commit_that_init_has_seen(
    syncing: Syncing, small_source: SmallSource, parts: SyncParts
) -> None:
    small_source.put("one", version=2)
    commit = small_source.push()

    syncing.freshen("one", commit)

    assert parts.catalogue.pair("one").commit == commit


def test_commit_that_is_there_already_costs_no_look(
    syncing: Syncing, small_source: SmallSource, parts: SyncParts
) -> None:
    small_source.path.rename(small_source.path.with_name("away"))

    syncing.freshen("one", parts.catalogue.commit)
    syncing.freshen("one", None)

    assert parts.sync.state.name == "ok"


def test_commit_of_another_source_costs_one_look(
    syncing: Syncing, small_source: SmallSource, parts: SyncParts
) -> None:
    syncing.freshen("one", "f" * 40)
    small_source.path.rename(small_source.path.with_name("away"))

    syncing.freshen("one", "f" * 40)

    assert parts.sync.state.name == "ok"


def test_commit_is_looked_for_again_when_the_source_was_away(
    syncing: Syncing, small_source: SmallSource, parts: SyncParts
) -> None:
    small_source.put("one", version=2)
    commit = small_source.push()
    away = small_source.path.with_name("away")
    small_source.path.rename(away)
    syncing.freshen("one", commit)
    assert parts.sync.state.name == "degraded"
    away.rename(small_source.path)

    syncing.freshen("one", commit)

    assert parts.catalogue.pair("one").commit == commit


def test_sync_that_crashes_does_not_end_the_thread(
    parts: SyncParts, small_source: SmallSource, eventually: Eventually
) -> None:
    published: list[int] = []

    def publish() -> None:
        published.append(1)
        if len(published) == 1:
            raise ValueError("a fault of ours")

    syncing = Syncing(parts.sync, parts.current, publish, lambda: None)
    syncing.start()
    small_source.put("one", version=2)
    small_source.push()
    syncing.ask_sync()
    eventually(lambda: len(published) == 1)
    small_source.put("one", version=3)
    small_source.push()
    syncing.ask_sync()
    eventually(lambda: len(published) == 2)
    syncing.stop(30)


def test_stopping_frees_those_who_wait(parts: SyncParts) -> None:
    syncing = Syncing(parts.sync, parts.current, lambda: None, lambda: None)
    waiting = threading.Thread(target=syncing.freshen, args=("one", "e" * 40))
    waiting.start()

    syncing.stop(0)

    waiting.join(30)
    assert not waiting.is_alive()
