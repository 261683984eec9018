import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from worker.environment import Environment, EnvironmentGone, read_record
from worker.environments import Environments
from worker.trash import Trash


@pytest.fixture
def environment(open_environments: Callable[..., Environments], tmp_path: Path) -> Environment:
    return open_environments(tmp_path / "environments").build("dns", ["tiny-alpha"])


def test_an_environment_under_another_name_is_not_taken_for_that_one(
    environment: Environment, tmp_path: Path
) -> None:
    other = environment.path.rename(tmp_path / "another")
    assert read_record(other) is None


def test_an_environment_in_the_trash_still_says_what_it_uses(
    environment: Environment, tmp_path: Path
) -> None:
    Trash(tmp_path / "trash").take(environment.path)
    (thrown,) = (tmp_path / "trash").iterdir()
    assert read_record(thrown) is not None


def test_the_record_says_what_was_built(environment: Environment) -> None:
    record = read_record(environment.path)
    assert record is not None
    assert record.key == environment.key
    assert record.requirements == ("tiny-alpha", "tiny-base<2,>=1")
    assert record.installer == "uv"
    names = [name.rpartition("-")[0] for name in record.store]
    assert names == ["tiny-alpha-2.0", "tiny-base-1.5", "sdk", "bare"]
    assert all((environment.store / name).is_dir() for name in record.store)


def test_children_do_not_inherit_the_hold(
    environment: Environment, take: Callable[..., bool]
) -> None:
    with environment.in_use():
        child = subprocess.Popen(["sleep", "600"], close_fds=False)
        assert not take(environment)
    try:
        assert take(environment)
    finally:
        child.kill()
        child.wait()


def test_what_is_gone_cannot_be_used(environment: Environment, take: Callable[..., bool]) -> None:
    assert take(environment)
    with pytest.raises(EnvironmentGone, match="build it again"), environment.in_use():
        pass


def test_use_is_remembered(environment: Environment) -> None:
    usage = environment.path / "usage"
    os.utime(usage, (0, 0))
    with environment.in_use():
        assert usage.stat().st_mtime > 0


@pytest.fixture
def take(tmp_path: Path) -> Callable[[Environment], bool]:
    trash = Trash(tmp_path / "trash")
    return lambda environment: trash.take_unused(environment.path)
