import json
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from worker.build_sandbox import BuildSandbox, readable_for_builds
from worker.environments import BuildFailed, Environments
from worker.sandbox import Sandbox
from worker.workbench import Workbench

SPY = """
import json, os, sys
def tried(path):
    try:
        with open(path) as file:
            return file.read()
    except OSError as error:
        return type(error).__name__
def planted(path):
    try:
        open(path + "/planted", "w").close()
    except OSError as error:
        return type(error).__name__
    return "planted"
paths = json.loads(sys.argv[1])
print(json.dumps({
    "read": {path: tried(path) for path in paths["read"]},
    "write": {path: planted(path) for path in paths["write"]},
    "variables": sorted(os.environ),
    "pid": os.getpid(),
}))
"""


@pytest.fixture(scope="module")
def sandbox() -> Sandbox:
    return Sandbox.find()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A worker's data directory with a build under way, another one, and secrets."""
    data = tmp_path / "data"
    for name in ("building/one/scratch", "building/two", "cache", "envs/other", "store/package"):
        (data / "environments" / name).mkdir(parents=True)
    for name in ("secret.key", "outbox.db", "environments/envs/other/file"):
        (data / name).write_text("canary")
    return data


@pytest.mark.parametrize("alone", [False, True])
def test_build_sees_its_place_and_the_cache_alone(
    sandbox: Sandbox, data: Path, *, alone: bool
) -> None:
    environments = data / "environments"
    scratch, cache = environments / "building" / "one" / "scratch", environments / "cache"
    inside = sandbox.showing([], {}, [data])
    readable = readable_for_builds((Path(sys.executable),), {})
    around = BuildSandbox(inside, environments, cache, readable)
    enclosed = around.enclosed_alone if alone else around.enclosed
    bench = Workbench(scratch, {"PATH": "/usr/bin"}, time.monotonic() + 60, enclosed)
    shared = [cache, environments / "building" / "two"]
    writable = [scratch, Path("/tmp"), *(() if alone else shared)]
    places = (environments / "envs", environments / "envs" / "other", environments / "store")
    closed = [*places, environments / "store" / "package", Path("/usr"), *(shared if alone else ())]
    asked = {
        "read": [str(path) for path in data.rglob("*") if path.is_file()],
        "write": [str(path) for path in (*writable, *closed)],
    }
    seen = json.loads(bench.run(sys.executable, "-I", "-S", "-c", SPY, json.dumps(asked)))
    assert len(seen["read"]) == 3
    assert "canary" not in json.dumps(seen)
    planted = [path for path, answer in seen["write"].items() if answer == "planted"]
    assert planted == [str(path) for path in writable]
    assert not Path("/tmp/planted").exists()
    assert seen["pid"] < 10


@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_environments_are_built_in_it_as_outside(
    environments_with: Callable[..., Environments], sandbox: Sandbox, tmp_path: Path, installer: str
) -> None:
    environments = environments_with(
        sandbox=replace(sandbox, hidden=(tmp_path,)), installer=installer
    )
    made = environments.build("it", ["tiny-alpha>=1"])
    assert environments.existing(made.key) is not None
    assert (made.path / "bin" / "python").exists()


def test_packages_stay_hard_links_into_the_cache(
    environments_with: Callable[..., Environments], sandbox: Sandbox
) -> None:
    environments = environments_with(sandbox=sandbox, cache=None)
    made = environments.build("it", ["tiny-alpha>=1"])
    (module,) = (made.path / "lib").glob("python*/site-packages/tiny_alpha*.py")
    assert module.stat().st_nlink > 1


def test_build_code_of_an_allowed_integration_sees_no_secrets(
    environments_with: Callable[..., Environments],
    new_package_index: Callable[[str], Any],
    sandbox: Sandbox,
    tmp_path: Path,
) -> None:
    index = new_package_index("hostile")
    index.add("tiny-base", "1.0")
    index.add_source("tiny-hostile", "1.0", tmp_path / "canary")
    environments = environments_with(sandbox=sandbox, index=index.url)
    try:
        environments.build("it", ["tiny-hostile"], source_builds=True)
    finally:
        assert not (tmp_path / "canary").exists()


@pytest.mark.parametrize("place", ["cache", "store", "building", "envs", "locks"])
def test_build_code_changes_nothing_that_others_take(
    environments_with: Callable[..., Environments],
    new_package_index: Callable[[str], Any],
    sandbox: Sandbox,
    tmp_path: Path,
    place: str,
) -> None:
    index = new_package_index("hostile")
    index.add("tiny-base", "1.0")
    canary = tmp_path / "environments" / place / "canary"
    index.add_source("tiny-hostile", "1.0", canary)
    environments = environments_with(sandbox=sandbox, index=index.url, cache=None)
    environments.build("plain", [])
    assert canary.parent.is_dir()
    with suppress(BuildFailed):
        environments.build("it", ["tiny-hostile"], source_builds=True)
    assert not canary.exists()


def test_source_builds_work_in_it_and_leave_no_cache(
    environments_with: Callable[..., Environments],
    new_package_index: Callable[[str], Any],
    sandbox: Sandbox,
    tmp_path: Path,
) -> None:
    index = new_package_index("sources")
    index.add("tiny-base", "1.0")
    index.add_source("tiny-source", "1.0", Path("/tmp/canary"))
    environments = environments_with(sandbox=sandbox, index=index.url, cache=tmp_path / "cache")
    made = environments.build("it", ["tiny-source"], source_builds=True)
    assert environments.existing(made.key) is not None
    assert not Path("/tmp/canary").exists()
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("UV_DEFAULT_INDEX", "file://{}", True),
        ("UV_INDEX", "mine=file://{},https://host/simple", True),
        ("PIP_FIND_LINKS", "/absent {}", True),
        ("UV_DEFAULT_INDEX", "https://host{}", False),
        ("SSL_CERT_DIR", "{}", False),
    ],
)
def test_packages_on_this_disk_show(name: str, value: str, *, shown: bool, tmp_path: Path) -> None:
    found = readable_for_builds((), {name: value.format(tmp_path)})
    assert found == ((tmp_path,) if shown else ())
