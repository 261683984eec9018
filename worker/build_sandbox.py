"""Builds in a sandbox: the network, the package cache and the place of the build, and no more."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from worker.bubblewrap import View
from worker.interpreter_folders import interpreter_folders
from worker.sandbox import Sandbox

_INDEXES = ("INDEX", "FIND_LINKS")  # in the names of the variables that say where packages are
_OF_THE_WORKER = ("envs", "held", "locks", "store", "store-links", "store-marks", "trash")


@dataclass(frozen=True)
class BuildSandbox:
    """What the tools of all builds below one directory run in.

    The directory is one mount, so that packages can be hard links into the cache; what lies in it
    and is no part of a build is hidden.
    """

    sandbox: Sandbox
    directory: Path
    cache: Path
    readable: tuple[Path, ...]

    def enclosed(self, argv: tuple[str, ...], cwd: Path) -> tuple[str, ...]:
        """Return the command that runs a tool in it."""
        hidden = (path for name in _OF_THE_WORKER if (path := self.directory / name).is_dir())
        self.cache.mkdir(parents=True, exist_ok=True)
        view = View(
            readable=(*self.sandbox.readable, *self.readable),
            writable=(self.directory, self.cache),
            hidden=(*self.sandbox.hidden, *hidden),
            may_use_tmp=True,
        )
        return self.sandbox.around(argv, view, cwd)

    def enclosed_alone(self, argv: tuple[str, ...], cwd: Path) -> tuple[str, ...]:
        """Return the command that runs a tool whose packages may bring build code.

        It writes into the place of its own build alone: neither into a package cache that others
        take from nor into what is built beside it.
        """
        view = View(
            readable=(*self.sandbox.readable, *self.readable),
            writable=(cwd.parent,),
            hidden=(*self.sandbox.hidden, self.directory, self.cache),
            may_use_tmp=True,
        )
        return self.sandbox.around(argv, view, cwd)


def readable_for_builds(tools: tuple[Path, ...], environ: Mapping[str, str]) -> tuple[Path, ...]:
    """Return what tools need beside the system: interpreters, and packages on this disk."""
    interpreters = (folder for tool in tools for folder in interpreter_folders(tool))
    return tuple(dict.fromkeys((*interpreters, *_local_indexes(environ))))


def _local_indexes(environ: Mapping[str, str]) -> Iterator[Path]:
    for name, value in environ.items():
        if not any(word in name for word in _INDEXES):
            continue
        for place in value.replace(",", " ").split():
            parts = urlsplit(place.rpartition("=")[2])
            path = Path(unquote(parts.path))
            if parts.scheme in {"", "file"} and path.is_absolute() and path.exists():
                yield path
