"""Fills the store: installs what a lock names once, takes it apart, and compiles it."""

import hashlib
import json
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from utils.failpoints import failpoint
from worker.errors import WorkerError
from worker.foreign_libraries import looks_outside
from worker.installation import Installation, Installer
from worker.lockfile import Lock, Pin
from worker.placement import Tree
from worker.recipe import interpreter_tag
from worker.skeleton import copy_skeleton, skeleton_name, strip_to_skeleton
from worker.splitting import split
from worker.store import Missing, NotAsPublished, Store, Taken
from worker.workbench import Workbench, kept_in_place

FORMAT = 1  # raise it when stored packages are made in another way
# Tests of packages are hardly ever imported, and are half of some packages.
COMPILE = """
import compileall, os, sys
files = [
    os.path.join(folder, name)
    for tree in sys.argv[1:] for folder, _, names in os.walk(os.path.join(tree, "lib"))
    if not {"test", "tests"} & set(folder.split("/"))
    for name in names if name.endswith(".py")
]
parts = min(os.cpu_count() or 1, len(files) // 50 + 1)
children = []
for part in range(1, parts):
    child = os.fork()
    if not child:
        children.clear()
        break
    children.append(child)
else:
    part = 0
for path in files[part::parts]:
    compileall.compile_file(path, quiet=2)
for child in children:
    os.waitpid(child, 0)
os._exit(0)
"""


@dataclass(frozen=True)
class Way:
    """How packages are installed before they are taken apart."""

    skeleton: Tree
    distrust_cache: bool


@dataclass(frozen=True)
class Filling:
    """One build's way to have packages stored: `owner` is the lock's name, of source builds."""

    store: Store
    installer: Installer
    python: Path
    bench: Workbench
    wait_seconds: float
    owner: str = ""

    def skeleton(self) -> Tree:
        """Return the bare environment."""
        name = skeleton_name(self.python, self.installer.name)

        def make(_missing: Missing) -> dict[str, Taken]:
            self.bench.open()
            path = self.bench.scratch / "bare"
            self.installer.make_bare(self.bench, path)
            strip_to_skeleton(path)
            return {name: Taken(path)}

        return self.store.provide([name], make, self.wait_seconds)[0]

    def packages(self, lock: Lock) -> list[Tree]:
        """Return the packages of a lock, in its order."""
        try:
            return self._packages(lock, distrust_cache=False)
        except NotAsPublished:  # what was fetched had the locked hash: the cache was changed since
            return self._packages(lock, distrust_cache=True)

    def _packages(self, lock: Lock, *, distrust_cache: bool) -> list[Tree]:
        pins = {self._name(pin): pin for pin in lock.pins}

        def make(missing: Missing) -> dict[str, Taken]:
            self.bench.open()
            names = {pins[name].name: name for name in missing.names}
            found: dict[str, Taken] = {}
            wanted = [pin for name, pin in pins.items() if name in missing.names]
            way = Way(self.skeleton(), distrust_cache or missing.was_damaged)
            self._install(way, wanted, found)
            self._compile(one.path for one in found.values())
            failpoint("store_filled")
            return {names[name]: taken for name, taken in found.items()}

        return self.store.provide(pins, make, self.wait_seconds)

    def _install(self, way: Way, pins: list[Pin], found: dict[str, Taken]) -> None:
        """Install some pins, and each of those that overwrite each other's files by itself."""
        place = Path(tempfile.mkdtemp(dir=self.bench.scratch))
        prefix, lock_file = place / "prefix", place / "lock.txt"
        copy_skeleton(way.skeleton, prefix)
        lock_file.write_text(Lock(tuple(pins)).render(), encoding="ascii")
        with kept_in_place(place, prefix):
            self.installer.install(
                self.bench, Installation(prefix, lock_file, bool(self.owner), way.distrust_cache)
            )
        # A name that build code could not know, or it might have put a link there.
        parts = split(prefix, Path(tempfile.mkdtemp(dir=place)))
        if missing := sorted({pin.name for pin in pins} - parts.trees.keys() - parts.clashing):
            raise WorkerError(
                f"{self.installer.name} did not install {', '.join(missing)}",
                "remove the package cache below TRUELINE_DATA_DIR; the next sync tries again",
            )
        for name, tree in parts.trees.items():
            # A list that is wrong about what came fresh from the index is its author's slip.
            hashes = {} if way.distrust_cache else parts.hashes[name]
            found[name] = Taken(tree, str(prefix), looks_outside(tree), hashes)
        for pin in pins:
            if pin.name in parts.clashing:
                self._install(way, [pin], found)

    def _compile(self, trees: Iterable[Path]) -> None:
        # From outside of what is compiled: there a package could have code run at the start.
        self.bench.run(self.python, "-I", "-S", "-c", COMPILE, *trees)

    def _name(self, pin: Pin) -> str:
        """Name a package: by its files, by what they depend on here, and by who may share it.

        Build code can change whatever is installed together with it, so nobody else gets that.
        """
        content = [str(FORMAT), interpreter_tag(), pin.name, pin.version, *pin.sha256, self.owner]
        digest = hashlib.sha256(json.dumps(content).encode()).hexdigest()[:24]
        return f"{pin.name}-{pin.version}-{digest}"
