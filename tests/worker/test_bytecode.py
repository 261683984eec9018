from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from worker.bytecode import COMPILED_NAME, Compiling
from worker.environments import Environment, Environments
from worker.launcher import Launcher

Eventually = Callable[[Callable[[], object]], None]


@pytest.fixture
def built(environments_with: Callable[..., Environments]) -> Environment:
    return environments_with().build("dns", ["tiny-alpha==1.0"])


@contextmanager
def compiling(launcher: Launcher, *environments: Environment) -> Iterator[Compiling]:
    thread = Compiling(launcher, lambda: environments)
    thread.start()
    try:
        yield thread
    finally:
        thread.stop()


def bytecode(environment: Environment) -> list[str]:
    return [path.name for path in environment.path.glob("lib/*/site-packages/**/*.pyc")]


def test_packages_of_an_environment_are_compiled_once(
    launcher: Launcher, built: Environment, eventually: Eventually
) -> None:
    assert bytecode(built) == []
    mark = built.path / COMPILED_NAME
    with compiling(launcher, built, built) as thread:
        thread.ask()
        eventually(mark.exists)
    assert bytecode(built)
    when = mark.stat().st_mtime_ns
    with compiling(launcher, built) as thread:
        thread.ask()
    assert mark.stat().st_mtime_ns == when


def test_an_environment_that_is_gone_is_passed_over(
    launcher: Launcher, built: Environment, eventually: Eventually
) -> None:
    gone = Environment.at(built.path.with_name("gone"))
    with compiling(launcher, gone, built) as thread:
        thread.ask()
        eventually((built.path / COMPILED_NAME).exists)


def test_nothing_runs_on_after_the_stop(
    launcher: Launcher, built: Environment, nothing_left: Callable[[], None]
) -> None:
    with compiling(launcher, built) as thread:
        thread.ask()
    nothing_left()
