from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from worker.catalogue import Catalogue, NotRunnable
from worker.current_catalogue import CurrentCatalogue

if TYPE_CHECKING:
    from tests.worker.conftest import SmallSource, SyncParts


@pytest.fixture
def parts(small_source: SmallSource, sync_parts: Callable[[], SyncParts]) -> SyncParts:
    small_source.put("one")
    small_source.push()
    parts = sync_parts()
    parts.sync.run()
    return parts


def test_job_keeps_its_pair_while_the_catalogue_moves_on(
    parts: SyncParts, small_source: SmallSource
) -> None:
    with parts.current.hold("one") as held:
        small_source.put("one", version=2)
        newer = small_source.push()
        parts.sync.run()

        assert parts.catalogue.pair("one").commit == newer
        assert parts.current.commits_in_use() == {held.commit, newer}
    assert parts.current.commits_in_use() == {newer}


def test_environment_is_in_use_while_a_job_holds_it(parts: SyncParts) -> None:
    environments = parts.environments
    with parts.current.hold("one") as held:
        assert environments.reclaim(set()) == []
        assert held.environment.path.exists()


def test_what_cannot_run_is_not_held() -> None:
    current = CurrentCatalogue(Catalogue())

    with pytest.raises(NotRunnable), current.hold("one"):
        raise AssertionError
    assert current.commits_in_use() == frozenset()
