import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from worker.damage import damage
from worker.environment import Environment
from worker.environments import Environments
from worker.store import Store


@pytest.fixture(scope="module")
def built(
    tmp_path_factory: pytest.TempPathFactory, open_environments: Callable[..., Environments]
) -> Environment:
    directory = tmp_path_factory.mktemp("built")
    made = open_environments(directory).build("dns", ["tiny-alpha"])
    made.store.chmod(0o700)  # it is copied as a whole
    return made


@pytest.fixture
def environment(built: Environment, tmp_path: Path) -> Environment:
    """Copy an environment that a test may damage, with what it leads to."""
    directory = tmp_path / "environments"
    shutil.copytree(built.path.parent.parent, directory, symlinks=True)
    return Environment.at(directory / "envs" / built.key)


def found_damage(environment: Environment) -> str:
    return damage(environment.path, Store(environment.path.parent.parent))


def site_packages(environment: Environment) -> Path:
    return next(environment.path.glob("lib/python*/site-packages"))


def remove_python(environment: Environment) -> None:
    environment.python.unlink()


def break_python(environment: Environment) -> None:
    environment.python.unlink()
    environment.python.symlink_to("/bin/false")


def remove_link(environment: Environment) -> None:
    (site_packages(environment) / "tiny_alpha-2.0.dist-info").unlink()


def turn_link(environment: Environment) -> None:
    link = site_packages(environment) / "tiny_alpha.py"
    link.unlink()
    link.symlink_to("/dev/null")


def add_module(environment: Environment) -> None:
    (site_packages(environment) / "requests.py").touch()


def remove_script(environment: Environment) -> None:
    (environment.path / "bin" / "tiny-alpha").unlink()


def cut_module(environment: Environment) -> None:
    _cut(site_packages(environment) / "tiny_alpha.py")


def change_module(environment: Environment) -> None:
    module = (site_packages(environment) / "tiny_alpha.py").resolve()
    times = module.stat()
    module.chmod(0o644)
    module.write_bytes(module.read_bytes().replace(b"VERSION", b"version"))
    os.utime(module, ns=(times.st_atime_ns, times.st_mtime_ns))


def plant_module(environment: Environment) -> None:
    (site_packages(environment) / "tiny_alpha.py").resolve().with_name("os.py").touch()


def cut_sdk(environment: Environment) -> None:
    _cut(environment.child)


def cut_lock(environment: Environment) -> None:
    _cut(environment.lock)


def cut_record(environment: Environment) -> None:
    _cut(environment.path / "environment.json")


def _cut(path: Path) -> None:
    path.chmod(0o644)
    os.truncate(path, 0)


def test_what_was_built_is_whole_also_where_it_was_copied_to(environment: Environment) -> None:
    assert found_damage(environment) == ""


@pytest.mark.parametrize(
    ("harm", "found"),
    [
        (remove_python, "its python does not start"),
        (break_python, "its python does not start"),
        (remove_link, "tiny_alpha-2.0.dist-info is missing or was changed"),
        (turn_link, "tiny_alpha.py is missing or was changed"),
        (add_module, "site-packages has requests.py, which nobody put there"),
        (remove_script, "bin/tiny-alpha is missing"),
        (cut_module, "in the store is missing or was changed"),
        (change_module, "in the store is missing or was changed"),
        (plant_module, "in the store is missing or was changed"),
        (cut_sdk, "in the store is missing or was changed"),
        (cut_lock, "lock.txt is missing or unusable"),
        (cut_record, "environment.json is missing or unusable"),
    ],
)
def test_damage_is_found(
    environment: Environment, harm: Callable[[Environment], None], found: str
) -> None:
    harm(environment)
    assert found in found_damage(environment)


def test_bytecode_that_some_interpreter_left_is_no_damage(environment: Environment) -> None:
    left = environment.child.resolve().parent / "__pycache__" / "child.other.pyc"
    left.touch()
    assert found_damage(environment) == ""
    assert not left.exists()
