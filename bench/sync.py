"""What a sync costs when nothing has changed, over the bare question to the source."""

import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from bench.rows import Row, at_most
from bench.scene import write_source
from utils.mirror import open_source
from utils.settings import Settings, read_settings
from utils.snapshot import open_snapshots
from worker.catalogue_file import CatalogueFile
from worker.current_catalogue import CurrentCatalogue
from worker.execution import Host, ProcessExecutor
from worker.launcher import Launcher
from worker.limits import limits_of
from worker.parts import open_environments
from worker.preparation import Preparation
from worker.sync import Sync

ROUNDS = 100
INTEGRATIONS = 500
GOAL = 1.3
ENTRY = """\
from utils.base_runner import BaseRunner
from utils.decorators import task


class Runner(BaseRunner):
    pass


@task(name="look", title="Look", type="collector")
def look(self, ctx):
    return {"data": {}}
"""


def measure() -> list[Row]:
    """Sync once, then ask by turns: a sync with nothing new, and a bare `git ls-remote`."""
    names = [f"integration_{number:03}" for number in range(INTEGRATIONS)]
    files = {f"integrations/{name}/entry.py": ENTRY for name in names}
    with tempfile.TemporaryDirectory(prefix="trueline-bench-") as root:
        source = Path(root, "source")
        write_source(source, files, [{"name": name, "title": name} for name in names])
        environ = {"TRUELINE_SOURCE_URL": source.as_uri(), "TRUELINE_DATA_DIR": f"{root}/data"}
        with _open_sync(read_settings(environ, source)) as sync:
            sync.run()
            ours, bare = [], []
            for _ in range(ROUNDS):
                bare.append(_seconds(lambda: _bare_look(source)))
                ours.append(_seconds(sync.run))
    what = f"sync of {INTEGRATIONS} integrations, nothing changed, beside git ls-remote"
    middle, allowed = statistics.median(ours), statistics.median(bare)
    return [at_most(what, middle * 1000, allowed * 1000, "ms", GOAL)]


@contextmanager
def _open_sync(settings: Settings) -> Iterator[Sync]:
    settings.data_dir.mkdir(parents=True)
    launcher = Launcher.start()
    with closing(launcher):
        executor = ProcessExecutor(Host(launcher, limits_of(settings)), settings.data_dir / "jobs")
        environments = open_environments(settings, os.environ)
        snapshots = open_snapshots(open_source(settings.data_dir, settings, os.environ), settings)
        file = CatalogueFile(settings.data_dir / "catalogue.json", snapshots.mirror.source.shown)
        current = CurrentCatalogue(file.read(lambda _: None, environments.existing))
        preparation = Preparation(environments, executor, frozenset())
        with closing(executor):
            yield Sync(snapshots, preparation, current, file, os.cpu_count() or 1)


def _bare_look(source: Path) -> None:
    command = ["git", "ls-remote", source.as_uri(), "HEAD"]
    subprocess.run(command, check=True, capture_output=True, timeout=60)


def _seconds(act: Callable[[], object]) -> float:
    started = time.perf_counter()
    act()
    return time.perf_counter() - started
