import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from worker.build_sandbox import BuildSandbox, readable_for_builds
from worker.environments import BuildCause, BuildFailed, Environments
from worker.sandbox import Sandbox
from worker.workbench import Workbench

REPOSITORY = Path(__file__).parents[2]
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


# Looks around and plants files as SPY does, leads the worker astray, and leaves a process behind.
HOSTILE = """
import glob, io, contextlib, json, os, sys, time

def act(files):
    for place in glob.glob(os.environ["HOME"] + "/tmp*"):
        os.symlink({bystander!r}, place + "/packages")
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.closerange(0, 64)  # else the tool would wait for it, until the build's deadline
            left = "import time; time.sleep(600)"
            os.execv(sys.executable, [sys.executable, "-c", left, {mark!r}])
        os._exit(0)
    sys.argv[1:] = [{paths!r}]
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec({spy!r}, {{}})
    told = json.loads(said.getvalue())
    told["processes"] = []
    for path in glob.glob("/proc/[0-9]*/environ"):
        with contextlib.suppress(OSError):
            told["processes"].append(open(path).read())
    files["seen.json"] = json.dumps(told)
    files["{module}-1.0.dist-info/RECORD"] += "seen.json,,\\n"
"""
DISPLACING = """
import glob, os

def act(files):
    for place in glob.glob(os.environ["HOME"] + "/tmp*/prefix"):
        os.rename(place, place + "-aside")
        os.symlink("prefix-aside", place)
"""


@pytest.fixture
def hostile_index(new_package_index: Callable[[str], Any]) -> Any:
    index = new_package_index("hostile")
    index.add("tiny-base", "1.0")
    return index


def test_build_code_runs_where_it_is_allowed_alone(
    environments_with: Callable[..., Environments],
    hostile_index: Any,
    sandbox: Sandbox,
    tmp_path: Path,
) -> None:
    hostile_index.add_setup("tiny-setup", "1.0", Path("/tmp/canary"))
    hostile_index.add_source("tiny-source", "1.0", tmp_path / "canary")
    environments = environments_with(sandbox=sandbox, index=hostile_index.url)
    for name in ("tiny-setup", "tiny-source"):
        with pytest.raises(BuildFailed) as raised:
            environments.build("it", [name])
        assert raised.value.cause is BuildCause.NO_WHEEL


def test_build_code_sees_no_secret_changes_nothing_of_others_and_leaves_nothing(
    environments_with: Callable[..., Environments],
    hostile_index: Any,
    sandbox: Sandbox,
    tmp_path: Path,
) -> None:
    environments = environments_with(
        sandbox=replace(sandbox, hidden=(tmp_path,)),
        index=hostile_index.url,
        cache=None,
        environ={"TRUELINE_TOKEN": "canary", "AWS_SECRET_ACCESS_KEY": "canary"},
    )
    plain = environments.build("plain", [])
    for name in ("secret.key", "outbox.db", "environments/building/other"):
        (tmp_path / name).write_text("canary")
    (bystander := tmp_path / "bystander").mkdir()
    places = [path for path in (tmp_path / "environments").rglob("*") if path.is_dir()]
    before = {path: path.stat().st_mtime_ns for path in (bystander, plain.path)}
    read = [*tmp_path.glob("*.*"), tmp_path / "environments/building/other", Path("/etc/shadow")]
    written = [bystander, tmp_path, *places, Path("/usr"), Path("/etc"), REPOSITORY]
    paths = json.dumps({"read": [*map(str, read)], "write": [*map(str, written)]})
    mark = f"mark-{os.getpid()}-{tmp_path.name}"
    code = {"bystander": str(bystander), "mark": mark, "paths": paths, "spy": SPY}
    hostile_index.add_acting("tiny-hostile", "1.0", HOSTILE.format(module="tiny_hostile", **code))

    made = environments.build("it", ["tiny-hostile"], source_builds=True)

    assert not [it for it in psutil.process_iter(["cmdline"]) if mark in (it.info["cmdline"] or ())]
    seen = json.loads(next((made.path / "lib").glob("python*/site-packages/seen.json")).read_text())
    assert set(seen["read"]) == {*map(str, read)}
    assert "canary" not in json.dumps(seen)
    assert len(seen["processes"]) > 1
    assert not [path for path in written if (path / "planted").exists()]
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert environments.existing(plain.key)


def test_build_code_that_puts_a_link_where_the_worker_goes_on_is_refused(
    environments_with: Callable[..., Environments], hostile_index: Any, sandbox: Sandbox
) -> None:
    hostile_index.add_acting("tiny-hostile", "1.0", DISPLACING)
    environments = environments_with(sandbox=sandbox, index=hostile_index.url)
    with pytest.raises(BuildFailed, match="in the place of") as raised:
        environments.build("it", ["tiny-hostile"], source_builds=True)
    assert raised.value.advice


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
