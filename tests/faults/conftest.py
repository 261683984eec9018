"""A whole Trueline on loopback for each test; its parts are modules beside this."""

from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.faults.repository import Repository
from tests.faults.site import Site, eventually


@pytest.fixture(scope="session")
def environments(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One directory of environments for all workers of all tests: each is built once."""
    return tmp_path_factory.mktemp("environments")


@pytest.fixture
def integrations() -> Collection[str]:
    """Which ones the source has: each costs each worker a look at it."""
    return ("gated",)


@pytest.fixture
def repository(tmp_path: Path, integrations: Collection[str]) -> Repository:
    return Repository(tmp_path / "source", integrations)


@pytest.fixture
def api_settings() -> dict[str, str]:
    """What the API is told beside the usual; some tests ask for more."""
    return {}


@pytest.fixture
def level() -> str:
    """How far jobs are kept apart: as they are by default; some tests ask for more levels."""
    return "sandbox"


@pytest.fixture
def site(
    repository: Repository,
    environments: Path,
    level: str,
    database_kind: str,
    api_settings: dict[str, str],
    request: pytest.FixtureRequest,
) -> Iterator[Site]:
    is_postgresql = database_kind == "postgresql"
    url = request.getfixturevalue("empty_database_url") if is_postgresql else ""
    site = Site(repository, environments, level, url, **api_settings)
    try:
        yield site
        site.check_history()
    finally:
        site.close()


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    """Return the file that gated tasks wait for."""
    return tmp_path / "gate"


@pytest.fixture
def is_gone() -> Callable[[psutil.Process], bool]:
    def look(process: psutil.Process) -> bool:
        try:
            return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:  # between the two looks
            return True

    return look


@pytest.fixture
def wait_until() -> Callable[..., Any]:
    return eventually


@pytest.fixture
def marked(site: Site) -> Callable[[], list[tuple[psutil.Process, psutil.Process]]]:
    """Return the processes (task and helper) of each time that the gated task began."""
    known: dict[psutil.Process, psutil.Process] = {}

    def read() -> list[tuple[psutil.Process, psutil.Process]]:
        for helper in site.helpers():
            task = helper.parent()
            if task is not None:
                known.setdefault(helper, task)
        return [(task, helper) for helper, task in known.items()]

    return read
