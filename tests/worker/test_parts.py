from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from utils.settings import Settings
from worker.daemon import open_ground
from worker.limits import limits_of
from worker.parts import make_parts, warm_limits_of

if TYPE_CHECKING:
    from tests.worker.conftest import SmallSource


def test_parts_are_put_together_without_starting_anything(
    small_source: SmallSource, tmp_path: Path
) -> None:
    small_source.push("[]")
    settings = Settings.model_validate(
        {"data_dir": tmp_path / "data", "source_url": str(small_source.path)}
    )
    ground = open_ground(settings, {})
    try:
        parts = make_parts(settings, {}, ground)
        assert parts.leasing.running == 0
        assert parts.current.get().commit is None
        assert parts.sync.source.shown == small_source.path.as_uri()
        assert not (tmp_path / "data" / "source").exists()
    finally:
        ground.close()


def test_limits_are_those_of_the_settings() -> None:
    settings = Settings.model_validate({"task_timeout_seconds": 7, "memory_limit_mb": 99})

    limits = limits_of(settings)

    assert (limits.task_timeout_seconds, limits.memory_limit_mb) == (7, 99)


def test_limits_of_warm_processes_are_those_of_the_settings() -> None:
    settings = Settings.model_validate({"warm_processes": 3, "warm_memory_mb": 2})

    assert warm_limits_of(settings) == (3, 2 * 1024**2)
