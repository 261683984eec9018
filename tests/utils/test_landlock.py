import os
import subprocess
import sys
from pathlib import Path

import pytest

from utils.landlock import Access, Ruleset, landlock_version

REPOSITORY = Path(__file__).parents[2]
PREAMBLE = """
import os, sys
sys.path.insert(0, sys.argv[1])
from utils.landlock import Access, Ruleset
place = sys.argv[2]
with Ruleset.create() as ruleset:
    ruleset.allow(place + "/open", Access.READ | Access.WRITE)
    ruleset.allow(place + "/read", Access.READ)
    ruleset.allow(place + "/named", Access.NAMED_FILES)
    ruleset.allow(place + "/absent", Access.READ)
    ruleset.enforce()
def tried(act, *arguments):
    try:
        act(*arguments)
    except OSError:
        return "refused"
    return "done"
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    for name in ("open", "read", "named", "closed"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text("content")
    return tmp_path


def restricted(place: Path, act: str) -> str:
    """Return what `tried(act)` says in a process that is restricted to `place`."""
    script = f"{PREAMBLE}\nprint(tried({act}))"
    command = [sys.executable, "-I", "-S", "-c", script, str(REPOSITORY), str(place)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_this_kernel_enforces_landlock() -> None:
    """The tests of the sandbox need it; a kernel without it shows here first."""
    assert landlock_version() >= 1


@pytest.mark.parametrize(
    ("act", "answer"),
    [
        ("open, place + '/open/new', 'w'", "done"),
        ("os.mkdir, place + '/open/folder'", "done"),
        ("os.rename, place + '/open/file', place + '/open/moved'", "done"),
        ("os.listdir, place + '/read'", "done"),
        ("open, place + '/read/file'", "done"),
        ("open, place + '/read/file', 'a'", "refused"),
        ("os.truncate, place + '/read/file', 0", "refused"),
        ("os.unlink, place + '/read/file'", "refused"),
        ("os.link, place + '/read/file', place + '/open/link'", "refused"),
        ("open, place + '/named/file', 'a'", "done"),
        ("os.listdir, place + '/named'", "refused"),
        ("open, place + '/closed/file'", "refused"),
        ("os.listdir, place", "refused"),
        ("os.mknod, place + '/open/device', 0o20600", "refused"),
    ],
)
def test_each_path_allows_what_was_said_and_no_more(place: Path, act: str, answer: str) -> None:
    assert restricted(place, act) == answer


def test_programs_that_it_starts_are_restricted_too(place: Path) -> None:
    act = "(lambda: sys.exit(os.spawnv(os.P_WAIT, sys.executable, [sys.executable]))),"
    script = f"{PREAMBLE}\nprint(tried({act}))"
    command = [sys.executable, "-I", "-S", "-c", script, str(REPOSITORY), str(place)]
    end = subprocess.run(command, capture_output=True, text=True, check=False)
    assert end.returncode == 127  # /closed was not even readable, so no program of it starts


def test_ruleset_that_is_not_enforced_changes_nothing(place: Path) -> None:
    ruleset = Ruleset.create()
    assert ruleset is not None
    with ruleset:
        ruleset.allow(str(place / "read"), Access.READ)
    assert (place / "closed" / "file").read_text() == "content"
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(ruleset.descriptor)
