import os
from collections.abc import Callable
from pathlib import Path

import pytest

from worker.errors import WorkerError
from worker.splitting import site_packages, split

SITE = "lib/python3.11/site-packages"
Install = Callable[..., None]


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    path = tmp_path / "prefix"
    (path / SITE).mkdir(parents=True)
    (path / "bin").mkdir()
    (path / "bin" / "python").symlink_to("/usr/bin/python3")
    return path


@pytest.fixture
def install(prefix: Path) -> Install:
    """Write a distribution's files as an installer does; each line of RECORD gets a hash."""

    def write(name: str, files: dict[str, str], *, recorded: str = "") -> None:
        info = prefix / SITE / f"{name}-1.dist-info"
        info.mkdir()
        lines = [recorded] if recorded else []
        for file, text in files.items():
            path = Path(os.path.normpath(prefix / SITE / file))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            lines.append(f"{file},sha256={text},{len(text)}")
        (info / "RECORD").write_text("\n".join([*lines, f"{info.name}/RECORD,,", ""]))

    return write


def files(tree: Path) -> set[str]:
    return {str(path.relative_to(tree)) for path in tree.rglob("*") if path.is_file()}


def test_each_distribution_gets_its_files(prefix: Path, install: Install, tmp_path: Path) -> None:
    install("My_One", {"space/one/a.py": "1", "../../../bin/one": "s", "../../../share/x": "d"})
    install("two", {"space/two/a.py": "2", "two.pth": "p"})
    parts = split(prefix, tmp_path / "parts")
    assert not parts.clashing
    assert files(parts.trees["my-one"]) == {
        f"{SITE}/space/one/a.py",
        f"{SITE}/My_One-1.dist-info/RECORD",
        "bin/one",
        "share/x",
    }
    assert f"{SITE}/two.pth" in files(parts.trees["two"])
    assert set(parts.hashes["my-one"]) <= files(parts.trees["my-one"]) - {"bin/one"}
    assert site_packages(parts.trees["two"]) == parts.trees["two"] / SITE


def test_what_several_bring_alike_is_there_for_each(
    prefix: Path, install: Install, tmp_path: Path
) -> None:
    for name in ("one", "two", "three"):
        install(name, {"space/__init__.py": "same", f"space/{name}.py": name})
    parts = split(prefix, tmp_path / "parts")
    assert not parts.clashing
    for name in ("one", "two", "three"):
        assert f"{SITE}/space/__init__.py" in files(parts.trees[name])


def test_those_that_overwrite_each_other_are_named_and_left(
    prefix: Path, install: Install, tmp_path: Path
) -> None:
    install("one", {"same.py": "1"})
    install("two", {"same.py": "2"})
    install("three", {"three.py": "3"})
    parts = split(prefix, tmp_path / "parts")
    assert parts.clashing == {"one", "two"}
    assert set(parts.trees) == {"three"}


def test_nothing_outside_is_moved_whatever_record_says(
    prefix: Path, install: Install, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("canary")
    (prefix / SITE / "folder").symlink_to(tmp_path)
    (prefix / SITE / "file").symlink_to(secret)
    install("one", {"one.py": "1"}, recorded="folder/secret,,\nfile,,\n../../../../secret,,")
    parts = split(prefix, tmp_path / "parts")
    assert files(parts.trees["one"]) == {f"{SITE}/one.py", f"{SITE}/one-1.dist-info/RECORD"}
    assert secret.read_text() == "canary"


@pytest.mark.parametrize("record", [None, b"\xff\xfe\x00"])
def test_a_distribution_without_a_list_of_files_is_refused(
    prefix: Path, install: Install, tmp_path: Path, record: bytes | None
) -> None:
    install("one", {"one.py": "1"})
    path = prefix / SITE / "one-1.dist-info" / "RECORD"
    path.unlink()
    if record is not None:
        path.write_bytes(record)
    with pytest.raises(WorkerError, match=r"one-1\.dist-info"):
        split(prefix, tmp_path / "parts")
