import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from worker.environment import read_record
from worker.environments import Environment, Environments
from worker.trash import delete

OpenEnvironments = Callable[..., Environments]
SITE = "lib/python*/site-packages"


@pytest.fixture
def index(new_package_index: Callable[[str], Any]) -> Any:
    index = new_package_index("shapes")
    index.add("tiny-base", "1.0")
    return index


@pytest.fixture
def environments(environments_with: OpenEnvironments, index: Any, tmp_path: Path) -> Environments:
    return environments_with(index=index.url, cache=tmp_path / "cache")


def said(environment: Environment, code: str) -> str:
    end = subprocess.run(
        [environment.python, "-I", "-c", code], capture_output=True, check=True, text=True
    )
    return end.stdout.strip()


def stored(environment: Environment) -> list[str]:
    record = read_record(environment.path)
    assert record is not None
    return list(record.store)


def test_environments_share_a_package_that_is_installed_once(
    environments: Environments, index: Any
) -> None:
    index.add("tiny-one", "1.0")
    first, second = environments.build("a", []), environments.build("b", ["tiny-one"])
    assert first.path != second.path
    one, two = (next(it.path.glob(f"{SITE}/tiny_base.py")) for it in (first, second))
    assert one.samefile(two)
    assert stored(first)[0] == stored(second)[0]


def test_bytecode_comes_with_it_but_for_tests(environments: Environments, index: Any) -> None:
    index.add_files("tiny-one", "1.0", {"one/a.py": "", "one/tests/b.py": "", "one/bad.py": "("})
    made = environments.build("a", ["tiny-one"])
    linked = next(made.path.glob(f"{SITE}/one"))
    inside = {path.name.partition(".")[0] for path in linked.rglob("*.pyc")}
    assert list(made.path.glob(f"{SITE}/__pycache__/tiny_base.*.pyc"))
    assert inside == {"a"}


def test_namespaces_path_files_and_data_come_together(
    environments: Environments, index: Any
) -> None:
    legacy = (
        "import sys, types, os; p = os.path.join(sys._getframe(1).f_locals['sitedir'], 'old'); "
        "m = sys.modules.setdefault('old', types.ModuleType('old')); m.__path__ = [p]\n"
    )
    extend = "__path__ = __import__('pkgutil').extend_path(__path__, __name__)\n"
    for name in ("one", "two"):
        index.add_files(
            f"tiny-{name}",
            "1.0",
            {
                f"space/deep/{name}.py": "",
                f"old/{name}.py": "",
                f"tiny_{name}-1.0-nspkg.pth": legacy,
                "extended/__init__.py": extend,
                f"extended/{name}.py": "",
                f"tiny_{name}-1.0.data/data/share/tiny/{name}.txt": name,
                f"tiny_{name}-1.0.data/scripts/tiny-{name}": f"#!python\nprint('{name}')\n",
            },
        )
    made = environments.build("a", ["tiny-one", "tiny-two"])
    code = (
        "import space.deep.one, space.deep.two, old.one, old.two, extended.one, extended.two, sys;"
        "print(*(open(f'{sys.prefix}/share/tiny/{it}.txt').read() for it in ('one', 'two')))"
    )
    assert said(made, code) == "one two"
    for name in ("one", "two"):
        end = subprocess.run([made.path / "bin" / f"tiny-{name}"], capture_output=True, check=True)
        assert end.stdout.decode() == f"{name}\n"


def test_of_packages_with_one_file_in_common_each_is_stored_whole(
    environments: Environments, index: Any
) -> None:
    for name in ("one", "two"):
        index.add_files(
            f"tiny-{name}", "1.0", {"same.py": f"NAME = {name!r}", f"own_{name}.py": ""}
        )
    both = environments.build("a", ["tiny-one", "tiny-two"])
    assert said(both, "import same, own_one, own_two; print(same.NAME)") == "two"
    alone = environments.build("b", ["tiny-one"])
    assert said(alone, "import same; print(same.NAME)") == "one"
    assert set(stored(alone)[:-2]) < set(stored(both))


def test_path_files_run_no_code_while_packages_are_stored(
    environments: Environments, index: Any, tmp_path: Path
) -> None:
    canary = tmp_path / "canary"
    index.add_files(
        "tiny-one", "1.0", {"one.pth": f"import pathlib; pathlib.Path({str(canary)!r}).touch()\n"}
    )
    made = environments.build("a", ["tiny-one"])
    assert environments.existing(made.key)
    assert not canary.exists()
    said(made, "pass")
    assert canary.exists()


def test_what_build_code_was_installed_with_is_not_shared(
    environments: Environments, index: Any, tmp_path: Path
) -> None:
    index.add_source("tiny-source", "1.0", tmp_path / "canary")
    plain = environments.build("a", [])
    built = environments.build("b", ["tiny-source"], source_builds=True)
    other = environments.build("c", [], source_builds=True)
    bases = [
        next(name for name in stored(it) if name.startswith("tiny-base"))
        for it in (plain, built, other)
    ]
    assert len(set(bases)) == 3


def test_what_was_changed_in_the_cache_is_fetched_anew(
    environments: Environments, environments_with: OpenEnvironments, index: Any, tmp_path: Path
) -> None:
    first = environments.build("a", [])
    stored_file = next(first.path.glob(f"{SITE}/tiny_base.py")).resolve()
    stored_file.chmod(0o644)
    changed = stored_file.read_bytes().replace(b"VERSION", b"version")
    stored_file.write_bytes(changed)  # the cache has the same file under another name
    for path in ("envs", "store", "store-marks"):
        delete(tmp_path / "environments" / path)
    cached = [it for it in (tmp_path / "cache").rglob("tiny_base.py") if it.read_bytes() == changed]
    assert cached
    made = environments_with(index=index.url, cache=tmp_path / "cache").build("a", [])
    assert said(made, "import tiny_base; print(tiny_base.VERSION)") == "1.0"


def test_a_list_of_files_that_its_author_got_wrong_is_no_failure(
    environments: Environments, index: Any
) -> None:
    info = "tiny_one-1.0.dist-info"
    wrong = f"one.py,sha256={'A' * 43},3\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n"
    index.add_files("tiny-one", "1.0", {"one.py": "", f"{info}/RECORD": wrong})
    made = environments.build("a", ["tiny-one"])
    assert said(made, "import one; print(one.__name__)") == "one"
