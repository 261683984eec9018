"""Runs again whenever files change: looks at their times a few times a second."""

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

LOOK_SECONDS = 0.05
SETTLED_SECONDS = 0.05  # an editor writes in several steps

Marks = Mapping[str, tuple[int, int]]  # time and size, by path


def rerun_at_changes(
    paths: Iterable[Path], run: Callable[[], None], pause: Callable[[float], None] = time.sleep
) -> None:
    """Call `run` now and after each change below `paths`, until an exception, such as of Ctrl-C."""
    watched = tuple(paths)
    while True:
        before = marks_of(watched)
        run()
        while marks_of(watched) == before:  # what changed during the run counts as well
            pause(LOOK_SECONDS)
        _settle(watched, pause)


def marks_of(paths: Iterable[Path]) -> Marks:
    """Return what changes when a file is written, added, renamed or removed."""
    return dict(mark for path in paths for mark in _marks_below(path))


def _settle(paths: tuple[Path, ...], pause: Callable[[float], None]) -> None:
    marks = None
    while (now := marks_of(paths)) != marks:
        marks = now
        pause(SETTLED_SECONDS)


def _marks_below(path: Path) -> Iterator[tuple[str, tuple[int, int]]]:
    try:
        if not path.is_dir():
            status = path.stat()
            yield str(path), (status.st_mtime_ns, status.st_size)
            return
        with os.scandir(path) as found:
            entries = list(found)
    except OSError:  # it is not there, now
        return
    for entry in entries:
        if not entry.name.startswith(".") and entry.name != "__pycache__":
            yield from _marks_below(Path(entry.path))
