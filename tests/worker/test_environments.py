import functools
import os
import shutil
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from worker.environments import (
    BuildCause,
    BuildFailed,
    BuildOptions,
    Environment,
    Environments,
)
from worker.isolation import choose_isolation
from worker.requirements import read_base_requirements
from worker.trash import delete

OpenEnvironments = Callable[..., Environments]
NewIndex = Callable[[str], Any]
REPOSITORY = Path(__file__).parents[2]
AWAY = "http://127.0.0.1:9/simple"


@pytest.fixture
def steps() -> list[tuple[str, str]]:
    return []


@pytest.fixture
def noting(
    environments_with: OpenEnvironments, steps: list[tuple[str, str]]
) -> Callable[..., Environments]:
    """Open environments whose progress is noted in `steps`."""

    def open_environments(**options: Any) -> Environments:
        return environments_with(lambda name, step: steps.append((name, step)), **options)

    return open_environments


def installed(environment: Environment, package: str) -> str:
    code = f"import {package.replace('-', '_')} as it; print(it.VERSION)"
    command = [str(environment.python), "-I", "-c", code]
    end = subprocess.run(command, capture_output=True, check=True, text=True)
    return end.stdout.strip()


def test_equal_content_is_built_once_and_shared(
    noting: OpenEnvironments, steps: list[tuple[str, str]]
) -> None:
    environments = noting()
    first = environments.build("dns", ["tiny-alpha", "tiny-beta"])
    second = environments.build("mail", ["Tiny_Beta", "tiny-alpha  "])
    assert first.key == second.key == environments.key(["tiny-beta", "tiny-alpha"])
    assert first.seconds is not None
    assert second.seconds is None
    assert steps == [("dns", "resolving"), ("dns", "installing"), ("dns", "done")]


def test_threads_that_want_the_same_environment_build_it_once(
    noting: OpenEnvironments, steps: list[tuple[str, str]]
) -> None:
    environments, made = noting(), []
    barrier = threading.Barrier(4)

    def build() -> None:
        barrier.wait()
        made.append(environments.build("dns", ["tiny-alpha"]))

    threads = [threading.Thread(target=build) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({one.path for one in made}) == 1
    assert steps.count(("dns", "done")) == 1


def test_what_is_not_there_is_not_found(environments_with: OpenEnvironments) -> None:
    assert environments_with().existing("0" * 24) is None


@contextmanager
def served(folder: Path, asked: list[str] | None = None) -> Iterator[str]:
    """Serve a folder over HTTP as long as the block runs; note what is asked for."""
    noted = [] if asked is None else asked

    class Handler(SimpleHTTPRequestHandler):
        def send_response(self, code: int, message: str | None = None) -> None:
            noted.append(f"{self.path} {code}")
            super().send_response(code, message)

    handler = functools.partial(Handler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_another_sdk_takes_the_known_lock_and_needs_no_index(
    noting: OpenEnvironments,
    steps: list[tuple[str, str]],
    package_index: Any,
    small_sdk: Path,
    tmp_path: Path,
) -> None:
    with served(package_index.root) as index:
        old = noting(index=index).build("dns", ["tiny-alpha"])
    newer = tmp_path / "newer" / "utils"
    shutil.copytree(small_sdk, newer)
    (newer / "child.py").write_text("print('another child')\n")
    steps.clear()
    upgraded = noting(sdk=newer, index=index)  # nobody serves it any more
    made = upgraded.build("dns", ["tiny-alpha"])
    assert made.key != old.key
    assert made.lock.read_text() == old.lock.read_text()
    assert steps == [("dns", "installing"), ("dns", "done")]
    # The last good environment still serves, whatever SDK it has.
    assert upgraded.existing(old.key) is not None


@pytest.mark.parametrize("at_once", [1, 2])
def test_changed_requirements_read_each_page_of_the_index_once_for_each_build_under_way(
    noting: OpenEnvironments, package_index: Any, at_once: int
) -> None:
    changed = [
        ["tiny-alpha", "tiny-beta"],
        ["tiny-alpha"],
        ["tiny-beta"],
        ["tiny-alpha<3", "tiny-beta"],
        ["tiny-alpha>0"],
    ]
    asked: list[str] = []
    with served(package_index.root, asked) as index, ThreadPoolExecutor(at_once) as pool:
        environments = noting(index=index)
        list(pool.map(lambda wanted: environments.build("dns", wanted), changed))
    pages = Counter(one.split()[0] for one in asked if one.split()[0].endswith("/"))
    assert set(pages) == {"/tiny-alpha/", "/tiny-beta/", "/tiny-base/"}
    assert max(pages.values()) <= at_once


def test_integrations_of_equal_requirements_share_a_lock_even_apart_from_environments(
    noting: OpenEnvironments, steps: list[tuple[str, str]], package_index: Any, tmp_path: Path
) -> None:
    with served(package_index.root) as index:
        noting(index=index).build("dns", ["tiny-alpha", "tiny-beta"])
    shutil.rmtree(tmp_path / "environments" / "envs")
    steps.clear()
    made = noting(index=index).build("mail", ["tiny_beta", "tiny-alpha"])
    assert steps == [("mail", "installing"), ("mail", "done")]
    assert len(list((tmp_path / "environments" / "locks").iterdir())) == 1
    assert installed(made, "tiny-alpha") == "1.0"


def test_a_sync_costs_what_has_changed(
    noting: OpenEnvironments, steps: list[tuple[str, str]], package_index: Any, tmp_path: Path
) -> None:
    sets = {
        "dns": ["tiny-alpha"],
        "web": ["tiny-alpha==1.0"],
        "mail": ["tiny-beta"],
        "disk": [],
        "twin": ["tiny-beta"],
    }
    asked: list[str] = []
    with served(package_index.root, asked) as index:
        environments = noting(index=index, cache=tmp_path / "own-cache")
        for name, requirements in sets.items():
            environments.build(name, requirements)
        assert [name for name, step in steps if step == "resolving"] == [
            "dns",
            "web",
            "mail",
            "disk",
        ]
        pages = [line for line in asked if line.endswith("/ 200")]
        assert sorted(pages) == ["/tiny-alpha/ 200", "/tiny-base/ 200", "/tiny-beta/ 200"]
        steps.clear()
        asked.clear()
        sets["web"] = ["tiny-alpha==2.0"]
        for name, requirements in sets.items():
            environments.build(name, requirements)
    assert steps == [("web", "resolving"), ("web", "installing"), ("web", "done")]
    assert asked == []  # the index was read for the others already, minutes ago at most


def test_a_damaged_lock_is_resolved_again(
    noting: OpenEnvironments, steps: list[tuple[str, str]], tmp_path: Path
) -> None:
    noting().build("dns", ["tiny-alpha"])
    (lock,) = (tmp_path / "environments" / "locks").iterdir()
    lock.write_text(lock.read_text()[:-20])
    shutil.rmtree(tmp_path / "environments" / "envs")
    steps.clear()
    noting().build("dns", ["tiny-alpha"])
    assert ("dns", "resolving") in steps


@pytest.mark.parametrize("part", ["bin/python", "lib/*/site-packages/tiny_alpha-2.0.dist-info"])
def test_a_damaged_environment_is_built_again_beside(
    environments_with: OpenEnvironments, part: str
) -> None:
    built = environments_with().build("dns", ["tiny-alpha"])
    damaged = built.path.stat().st_ino
    (path,) = built.path.glob(part)
    path.unlink() if path.is_symlink() else shutil.rmtree(path)
    environments = environments_with()  # a worker that starts later
    assert environments.existing(built.key) is None
    again = environments.build("dns", ["tiny-alpha"])
    assert again.seconds is not None
    assert again.path == built.path
    assert again.path.stat().st_ino != damaged
    assert installed(again, "tiny-alpha") == "2.0"


def test_one_failed_build_leaves_other_integrations_alone(
    environments_with: OpenEnvironments, tmp_path: Path
) -> None:
    environments = environments_with()
    with pytest.raises(BuildFailed, match="integration 'dns'"):
        environments.build("dns", ["tiny-nothing"])
    assert environments.build("mail", ["tiny-alpha"]).seconds is not None
    assert list((tmp_path / "environments" / "building").iterdir()) == []


def test_an_integration_cannot_replace_the_base(environments_with: OpenEnvironments) -> None:
    with pytest.raises(BuildFailed, match="base requirement 'tiny-base<2,>=1'") as raised:
        environments_with().build("dns", ["tiny-base==2.0"])
    assert raised.value.cause == BuildCause.CONFLICT


def test_builds_leave_no_trace_outside_their_directory(
    environments_with: OpenEnvironments, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    environments_with(environ={"HOME": str(home)}).build("dns", ["tiny-alpha"])
    assert list(home.iterdir()) == []


def test_a_project_around_the_data_directory_does_not_say_where_packages_come_from(
    environments_with: OpenEnvironments, tmp_path: Path
) -> None:
    index = f'[[tool.uv.index]]\nurl = "{AWAY}"\ndefault = true\n'
    (tmp_path / "pyproject.toml").write_text(index)
    assert environments_with().build("dns", ["tiny-alpha"]).seconds is not None


def test_build_code_does_not_run_unless_it_is_allowed(
    environments_with: OpenEnvironments, new_package_index: NewIndex, tmp_path: Path
) -> None:
    index, canary = new_package_index("sources"), tmp_path / "canary"
    index.add("tiny-base", "1.0")
    index.add_source("tiny-source", "1.0", canary)
    environments = environments_with(index=index.url)
    with pytest.raises(BuildFailed) as raised:
        environments.build("dns", ["tiny-source"])
    assert raised.value.cause == BuildCause.NO_WHEEL
    assert "TRUELINE_SOURCE_BUILDS" in raised.value.advice
    assert not canary.exists()
    made = environments.build("dns", ["tiny-source"], source_builds=True)
    assert canary.exists()
    assert installed(made, "tiny-source") == "1.0"
    assert made.key != environments.key(["tiny-source"])


@pytest.mark.parametrize("level", ["process", "sandbox"])
def test_a_package_that_was_changed_after_locking_is_refused(
    environments_with: OpenEnvironments,
    new_package_index: NewIndex,
    small_sdk: Path,
    tmp_path: Path,
    level: str,
) -> None:
    index = new_package_index("changing")
    index.add("tiny-base", "1.0")
    enclosing = {"index": index.url, "sandbox": choose_isolation(level).sandbox}
    environments_with(cache=tmp_path / "cache-1", **enclosing).build("dns", [])
    for kept in ("store", "store-marks"):
        delete(tmp_path / "environments" / kept)
    index.add("tiny-base", "1.0", "tiny-base")  # the same name and version, another content
    newer = tmp_path / "newer" / "utils"
    shutil.copytree(small_sdk, newer)
    (newer / "more.py").touch()
    with pytest.raises(BuildFailed) as raised:
        environments_with(cache=tmp_path / "cache-2", sdk=newer, **enclosing).build("dns", [])
    assert raised.value.cause == BuildCause.HASH_MISMATCH, raised.value.log_tail
    assert "tiny-base" in raised.value.reason


def test_a_package_comes_from_the_first_index_that_has_it(
    environments_with: OpenEnvironments, new_package_index: NewIndex
) -> None:
    ours, public = new_package_index("ours"), new_package_index("public")
    ours.add("tiny-inside", "1.0")
    public.add("tiny-inside", "99.0")
    public.add("tiny-base", "1.0")
    environ = {"UV_INDEX": ours.url, "UV_INDEX_STRATEGY": "unsafe-best-match"}
    made = environments_with(index=public.url, environ=environ).build("dns", ["tiny-inside"])
    assert installed(made, "tiny-inside") == "1.0"


def test_what_is_kept_used_or_young_is_not_reclaimed(environments_with: OpenEnvironments) -> None:
    young, old = environments_with(), environments_with(grace_seconds=0)
    kept, used, idle = (
        old.build("dns", [name]) for name in ("tiny-alpha==1.0", "tiny-alpha", "tiny-beta")
    )
    assert young.reclaim({kept.key}) == []
    with used.in_use():
        assert old.reclaim({kept.key}) == [idle.key]
        assert installed(used, "tiny-alpha") == "2.0"
    assert old.reclaim({kept.key}) == [used.key]
    assert old.existing(used.key) is None
    assert old.existing(kept.key) is not None


def test_reclaiming_deletes_what_it_removed(
    environments_with: OpenEnvironments, tmp_path: Path
) -> None:
    environments = environments_with(grace_seconds=0)
    environments.build("dns", [])
    environments.reclaim(set())
    for folder in ("envs", "trash", "building"):
        assert list((tmp_path / "environments" / folder).iterdir()) == []


def test_a_build_under_way_is_not_reclaimed(
    environments_with: OpenEnvironments, tmp_path: Path
) -> None:
    other = environments_with(grace_seconds=0)
    under_way: list[bool] = []

    def look(_integration: str, step: str) -> None:
        if step == "installing":
            other.reclaim(set())
            under_way.append(any((tmp_path / "environments" / "building").iterdir()))

    made = environments_with(look).build("dns", ["tiny-alpha"])
    assert under_way == [True]
    assert installed(made, "tiny-alpha") == "2.0"


def test_what_an_older_sdk_left_is_reclaimed(
    environments_with: OpenEnvironments, small_sdk: Path, tmp_path: Path
) -> None:
    environments_with().build("dns", [])
    newer = tmp_path / "newer" / "utils"
    shutil.copytree(small_sdk, newer)
    (newer / "more.py").touch()
    environments = environments_with(sdk=newer, grace_seconds=0)
    made = environments.build("dns", [])
    environments.reclaim({made.key})
    assert len(list((tmp_path / "environments" / "store").glob("sdk-*"))) == 1


def test_the_real_base_and_the_real_sdk_make_an_environment(
    tmp_path: Path, package_cache: Path
) -> None:
    options = BuildOptions(environ=os.environ, cache=package_cache)
    environments = Environments(tmp_path, read_base_requirements(), REPOSITORY / "utils", options)
    made = environments.build("dns", [])
    code = "import requests, jsonschema, pydantic, httpx; print(pydantic.VERSION[0])"
    end = subprocess.run([made.python, "-I", "-c", code], capture_output=True, check=True)
    assert end.stdout == b"2\n"
    assert made.child.read_bytes() == (REPOSITORY / "utils" / "child.py").read_bytes()
