import os
import stat
from pathlib import Path

import pytest

from worker.bubblewrap import View, bubblewrap_arguments, find_bubblewraps


def test_there_is_a_bubblewrap_that_can_be_run() -> None:
    found = list(find_bubblewraps())
    assert found
    assert all(os.access(path, os.X_OK) for path in found)


def mounts(view: View) -> list[tuple[str, ...]]:
    """Return the options about paths of ours, in their order."""
    arguments = bubblewrap_arguments(view, Path("/data/jobs/1"), ())
    found = []
    for index, argument in enumerate(arguments):
        if argument in {"--bind", "--ro-bind", "--tmpfs", "--remount-ro"}:
            count = 2 if argument.endswith("bind") else 1
            found.append((argument, *arguments[index + count : index + count + 1]))
    return [one for one in found if one[1].startswith("/data")]


def test_outer_folders_come_before_what_lies_in_them() -> None:
    view = View(
        readable=(Path("/data/a/b"), Path("/data/a/b/c/d")), writable=(Path("/data/a/b/c"),)
    )
    assert mounts(view) == [
        ("--ro-bind", "/data/a/b"),
        ("--bind", "/data/a/b/c"),
        ("--ro-bind", "/data/a/b/c/d"),
    ]


def test_what_shows_already_is_not_mounted_again() -> None:
    view = View(
        readable=(Path("/data/a"), Path("/data/a/b"), Path("/usr/lib/python3")), writable=()
    )
    assert mounts(view) == [("--ro-bind", "/data/a")]


def test_hidden_folder_is_emptied_where_it_would_show_and_cannot_be_written_to() -> None:
    view = View(
        readable=(Path("/data/checkout"), Path("/data/checkout/.trueline/environment")),
        writable=(),
        hidden=(Path("/data/checkout/.trueline"), Path("/data/elsewhere")),
    )
    assert mounts(view) == [
        ("--ro-bind", "/data/checkout"),
        ("--tmpfs", "/data/checkout/.trueline"),
        ("--ro-bind", "/data/checkout/.trueline/environment"),
        ("--remount-ro", "/data/checkout/.trueline"),
    ]


@pytest.mark.parametrize(
    "secret", ["/etc/shadow", "/etc/ssl/private", "/etc/ssh", "/root", "/home"]
)
def test_places_with_secrets_are_never_shown(secret: str) -> None:
    arguments = bubblewrap_arguments(View((), ()), Path("/"), ())
    sources = [arguments[index + 1] for index, one in enumerate(arguments) if one.endswith("bind")]
    assert not [one for one in sources if Path(secret).is_relative_to(one)]
    assert not [one for one in sources if stat.S_ISSOCK(Path(one).stat().st_mode)]
