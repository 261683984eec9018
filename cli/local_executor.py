"""What runs jobs on this machine without an API: launcher, isolation, executor, environments."""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace

from utils.files import make_data_directory
from utils.settings import Settings
from worker.environments import Environments
from worker.execution import ProcessExecutor, WarmLimits
from worker.isolation import Choice, choose_isolation
from worker.large_files import LargeFiles
from worker.launcher import Launcher
from worker.loopback import shut_loopback
from worker.parts import open_environments
from worker.sandbox import SandboxUnusable

LARGE = "local-data"


@contextmanager
def open_session(
    settings: Settings, environ: Mapping[str, str], warm: WarmLimits, *, alone: bool
) -> Iterator[tuple[ProcessExecutor, Environments]]:
    """Yield an executor and the environments of the data directory."""
    chosen = choose_isolation(settings.isolation)
    isolation = _alone(chosen, settings) if alone else shut_loopback(chosen, settings)
    make_data_directory(settings.data_dir)
    sandbox = chosen.build_sandbox(settings, environ)  # packages come from a network
    with Launcher.start() as launcher:
        environments = open_environments(settings, environ, sandbox)
        host = isolation.host(launcher, settings, environ)
        large = LargeFiles(settings.data_dir / LARGE)
        executor = ProcessExecutor(host, settings.data_dir / "local", warm, large)
        with closing(executor):
            yield executor, environments


def _alone(isolation: Choice, settings: Settings) -> Choice:
    """Return an isolation with a network of its own: a loopback, and nothing else in it."""
    if isolation.sandbox is None:
        return isolation
    try:
        sandbox = isolation.sandbox.without_network(settings.data_dir / "local")
    except SandboxUnusable:  # then the child itself refuses, as far as it can
        return isolation
    return replace(isolation, sandbox=sandbox)
