import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from worker.environment import (
    Environment,
    EnvironmentGone,
    damage,
    installed_distributions,
    protect,
    read_record,
)
from worker.environments import Environments
from worker.trash import Trash


@pytest.fixture(scope="module")
def built(
    tmp_path_factory: pytest.TempPathFactory,
    open_environments: Callable[..., Environments],
) -> Environment:
    directory = tmp_path_factory.mktemp("built")
    return open_environments(directory).build("dns", ["tiny-alpha"])


@pytest.fixture
def environment(built: Environment, tmp_path: Path) -> Environment:
    """Copy an environment that a test may damage."""
    path = tmp_path / built.key
    shutil.copytree(built.path, path, symlinks=True)
    return Environment.at(path)


def site_packages(environment: Environment) -> Path:
    return next(environment.path.glob("lib/python*/site-packages"))


def remove_python(environment: Environment) -> None:
    environment.python.unlink()


def break_python(environment: Environment) -> None:
    environment.python.unlink()
    environment.python.symlink_to("/bin/false")


def remove_distribution(environment: Environment) -> None:
    shutil.rmtree(site_packages(environment) / "tiny_alpha-2.0.dist-info")


def empty_record_of_distribution(environment: Environment) -> None:
    _cut(site_packages(environment) / "tiny_alpha-2.0.dist-info" / "RECORD")


def cut_module(environment: Environment) -> None:
    _cut(site_packages(environment) / "tiny_alpha.py")


def remove_module(environment: Environment) -> None:
    (site_packages(environment) / "tiny_alpha.py").unlink()


def cut_sdk(environment: Environment) -> None:
    _cut(environment.child)


def cut_lock(environment: Environment) -> None:
    _cut(environment.lock)


def cut_record(environment: Environment) -> None:
    _cut(environment.path / "environment.json")


def _cut(path: Path) -> None:
    path.chmod(0o644)
    os.truncate(path, 0)


def test_what_was_built_is_whole(environment: Environment) -> None:
    assert damage(environment.path) == ""


@pytest.mark.parametrize(
    ("harm", "found"),
    [
        (remove_python, "its python does not start"),
        (break_python, "its python does not start"),
        (remove_distribution, "tiny_alpha-2.0.dist-info is missing"),
        (empty_record_of_distribution, "RECORD is empty"),
        (cut_module, "tiny_alpha.py of tiny_alpha-2.0.dist-info is missing or cut short"),
        (remove_module, "tiny_alpha.py of tiny_alpha-2.0.dist-info is missing or cut short"),
        (cut_sdk, "sdk/utils/child.py is not as it was copied"),
        (cut_lock, "lock.txt is missing or unusable"),
        (cut_record, "environment.json is missing or unusable"),
    ],
)
def test_damage_is_found(
    environment: Environment, harm: Callable[[Environment], None], found: str
) -> None:
    harm(environment)
    assert found in damage(environment.path)


def test_an_environment_under_another_name_is_not_taken_for_that_one(
    environment: Environment, tmp_path: Path
) -> None:
    other = environment.path.rename(tmp_path / "another")
    assert read_record(other) is None


def test_the_record_says_what_was_built(environment: Environment) -> None:
    record = read_record(environment.path)
    assert record is not None
    assert record.key == environment.key
    assert record.requirements == ("tiny-alpha", "tiny-base<2,>=1")
    assert record.installer == "uv"
    assert set(record.sdk) == {"__init__.py", "child.py"}
    assert installed_distributions(site_packages(environment)) == {
        "tiny-alpha": "tiny_alpha-2.0.dist-info",
        "tiny-base": "tiny_base-1.5.dist-info",
    }


def test_files_that_may_be_shared_links_are_read_only(tmp_path: Path) -> None:
    module = tmp_path / "package" / "module.py"
    module.parent.mkdir()
    module.write_text("")
    outside = tmp_path / "outside"
    outside.touch(mode=0o644)
    (module.parent / "link").symlink_to(outside)
    protect(module.parent)
    assert not module.stat().st_mode & 0o222
    assert outside.stat().st_mode & 0o200
    (module.parent / "__pycache__").mkdir()


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
