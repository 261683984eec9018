"""Where the tools of one build run: a private home, a clean environment, one deadline."""

import os
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from utils.command import DeadlinePassed, Running, Spec, running
from worker.errors import WorkerError
from worker.pinned import open_pinned

KEPT_BYTES = 64 * 1024


class ToolFailed(WorkerError):  # noqa: N818 - reads as what happened
    """uv, pip or virtualenv ended with an error; `output` is the end of what it printed."""

    def __init__(self, tool: str, code: int, output: str) -> None:
        super().__init__(f"{tool} ended with code {code}", "read its output")
        self.output = output


class BuildTimedOut(WorkerError):  # noqa: N818 - reads as what happened
    """The deadline of a build passed; `output` is the end of what the tool had printed."""

    def __init__(self, tool: str, output: str) -> None:
        super().__init__(f"{tool} did not end in time", "read its output")
        self.output = output


class Displaced(WorkerError):  # noqa: N818 - reads as what happened
    """Build code left something that would lead the worker elsewhere."""

    def __init__(self, what: str) -> None:
        super().__init__(
            what,
            "take the integration out of TRUELINE_SOURCE_BUILDS until its packages are understood",
        )


Enclosed = Callable[[tuple[str, ...], Path], tuple[str, ...]]


def _as_it_is(argv: tuple[str, ...], _cwd: Path) -> tuple[str, ...]:
    """Run a tool as it is: isolation level `process`."""
    return argv


@dataclass(frozen=True)
class Workbench:
    """One build's directory for temporary files, its variables, and when it has to be over.

    `enclosed` puts a tool, with its working directory, into a sandbox.
    """

    scratch: Path
    environ: Mapping[str, str]
    deadline: float  # of time.monotonic()
    enclosed: Enclosed = _as_it_is

    def open(self) -> None:
        """Make the directory; many builds have nothing to run and need none."""
        self.scratch.mkdir(parents=True, exist_ok=True)

    def run(self, *argv: str | Path) -> str:
        """Run a tool to its end and return what it printed.

        Raises ToolFailed, or BuildTimedOut with nothing of the tool left running.
        """
        spec = Spec(
            self.enclosed(tuple(str(one) for one in argv), self.scratch),
            {**self.environ, **self._private()},
            self.scratch,
            max(0.0, self.deadline - time.monotonic()),
        )
        name = Path(argv[0]).name
        with kept_in_place(self.scratch), running(spec) as tool:
            printed = bytearray()
            try:
                _read_tail(tool, printed)
                code = tool.finish()
            except DeadlinePassed:
                raise BuildTimedOut(name, _text(printed, tool)) from None
        if code != 0:
            raise ToolFailed(name, code, _text(printed, tool))
        return _text(printed, tool)

    def _private(self) -> dict[str, str]:
        """Name the scratch directory wherever a tool would look for a home."""
        scratch = str(self.scratch)
        return {
            "HOME": scratch,
            "TMPDIR": scratch,
            "XDG_CONFIG_HOME": scratch,
            "XDG_CACHE_HOME": scratch,
            "XDG_DATA_HOME": scratch,
            "PIP_CONFIG_FILE": os.devnull,
            "LC_ALL": "C.UTF-8",
        }


@contextmanager
def kept_in_place(*folders: Path) -> Iterator[None]:
    """Raise Displaced when what runs meanwhile leaves something else in the place of a folder.

    Build code may write there, and the worker goes on there outside of any sandbox: a link would
    have it move files of others.
    """
    before = [_identity(folder) for folder in folders]
    try:
        yield
    finally:
        for folder, known in zip(folders, before, strict=True):
            if _identity(folder) != known:
                raise Displaced(f"build code put something in the place of the folder {folder}")


def read_made(path: Path) -> str:
    """Read a file that a tool has made; raises Displaced for what is no plain text file."""
    try:
        descriptor = open_pinned(path, os.O_RDONLY | os.O_NONBLOCK)
        with os.fdopen(descriptor, encoding="utf-8") as file:
            if stat.S_ISREG(os.fstat(descriptor).st_mode):
                return file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise Displaced(f"what was made cannot be read: {error}") from error
    raise Displaced(f"something else was put in the place of the file {path.name}")


def _identity(folder: Path) -> tuple[int, int, int] | None:
    try:
        found = folder.lstat()
    except OSError:
        return None
    return stat.S_IFMT(found.st_mode), found.st_dev, found.st_ino


def _read_tail(tool: Running, tail: bytearray) -> None:
    while chunk := tool.output.read1(KEPT_BYTES):
        tail += chunk
        del tail[:-KEPT_BYTES]


def _text(printed: bytearray, tool: Running) -> str:
    return (bytes(printed) + tool.stderr).decode("utf-8", "replace")
