from pathlib import Path

import pytest

from worker.foreign_libraries import looks_outside

SITE = "lib/python3.11/site-packages"


def write(tree: Path, name: str, search_path: str = "") -> None:
    path = tree / SITE / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"\x7fELF..\0" + search_path.encode() + b"\0...")


@pytest.mark.parametrize(
    ("search_path", "outside"),
    [
        ("", False),
        ("$ORIGIN", False),
        ("$ORIGIN/../own.libs", False),
        ("$ORIGIN/../own.libs:$ORIGIN/../own/lib", False),
        ("$ORIGIN/../other/lib", True),
        ("$ORIGIN/../own.libs:$ORIGIN/../other/lib", True),
        ("$ORIGIN/..", True),
        ("$ORIGIN/../../../..", True),
    ],
)
def test_a_search_path_that_leads_to_others_is_found(
    tmp_path: Path, search_path: str, *, outside: bool
) -> None:
    write(tmp_path, "own.libs/libfortran-040039e1.so.5.0.0")
    write(tmp_path, "own/lib/libinner.so.6")
    write(tmp_path, "own/core.cpython-311-x86_64-linux-gnu.so", search_path)
    assert looks_outside(tmp_path) == outside


def test_only_libraries_are_read(tmp_path: Path) -> None:
    write(tmp_path, "own/notes.txt", "$ORIGIN/../other/lib")
    (tmp_path / SITE / "own" / "empty.so").touch()
    assert not looks_outside(tmp_path)
