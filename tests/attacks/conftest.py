"""For attacks from inside: a hostile plugin that runs as a job at isolation level `sandbox`."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from utils.process_tree import descendants, read_process_table
from utils.settings import Settings
from worker.environment import Environment
from worker.environments import BuildOptions, Environments
from worker.execution import JobEnd, JobOrder, Prepared, ProcessExecutor, StopSignal, WarmLimits
from worker.isolation import choose_isolation
from worker.launcher import Launcher
from worker.loopback import shut_loopback

REPOSITORY = Path(__file__).parents[2]
PLUGINS = REPOSITORY / "tests" / "fixtures" / "attacks"
CANARY = "canary-8c1f"


@dataclass
class EndedJob:
    """What became of an attack."""

    end: JobEnd
    events: list[dict[str, Any]]

    @property
    def results(self) -> dict[str, dict[str, Any]]:
        found = [event["result"] for event in self.events if event["type"] == "task_finished"]
        return {result["name"]: result for result in found}

    @property
    def data(self) -> Any:
        """What the attack itself tells."""
        result = self.results["attack"]
        assert result["status"] == "success", result["errors"]
        return result["data"]

    @property
    def reason(self) -> str:
        """Why the attacking task failed."""
        result = self.results["attack"]
        assert result["status"] == "failed", result
        return str(result["reason"])


@dataclass
class Prison:
    """A worker's data directory with secrets in it, and an executor of the level `sandbox`."""

    data: Path
    executor: ProcessExecutor
    environment: Environment
    launcher: Launcher
    is_warm: bool

    def prepared(self, snapshot: Path = PLUGINS, integration: str = "attacker") -> Prepared:
        source = {"url": "file:///source", "ref": "main"}
        return Prepared(integration, "c" * 40, snapshot, self.environment, source)

    def attack(
        self,
        act: str,
        *,
        stop: StopSignal | None = None,
        listen: Callable[[dict[str, Any]], None] = lambda _event: None,
        **config: Any,
    ) -> EndedJob:
        """Run a job that attacks, to its end."""
        events: list[dict[str, Any]] = []

        def take(event: dict[str, Any]) -> None:
            events.append(event)
            listen(event)

        order = JobOrder("job-1", 1, "attacker", {"act": act, **config})
        end = self.executor.run(order, self.prepared(), take, stop or StopSignal())
        return EndedJob(end, events)

    def processes(self, *, warm: bool = False) -> list[int]:
        """Return what runs below the launcher: the warm processes with their keepers, or the rest.

        A warm process has a supervisor, bubblewrap outside and inside, a guard, and itself;
        supervisors that wait for another job, each with its next child, are neither.
        """
        below = [one.pid for one in descendants(self.launcher.pid, read_process_table())]
        totals = self.executor.warm.totals()
        kept = 5 * totals.processes
        return below[:kept] if warm else below[kept + 2 * totals.waiting :]


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """A real environment without requirements."""
    directory = tmp_path_factory.mktemp("data") / "environments"
    options = BuildOptions(python=Path(sys.executable))
    return Environments(directory, (), REPOSITORY / "utils", options).build("attacker", ())


@pytest.fixture
def launcher() -> Iterator[Launcher]:
    with Launcher.start() as started:
        yield started


@pytest.fixture(params=["fresh", "warm"])
def is_warm(request: pytest.FixtureRequest) -> bool:
    return bool(request.param == "warm")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """The worker's source: a repository on this disk, with a file beside it that is not in it."""
    path = tmp_path / "source"
    path.mkdir()
    for command in (
        ["init", "--quiet"],
        ["-c", "user.name=T", "-c", "user.email=t@t", "commit", "-qm1", "--allow-empty"],
    ):
        environ = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "GIT_CONFIG_NOSYSTEM": "1"}
        subprocess.run(["git", *command], cwd=path, env=environ, check=True, timeout=60)
    (path / "not-committed").write_text(CANARY)
    return path


@pytest.fixture
def prison_with(
    launcher: Launcher, tmp_path: Path, environment: Environment, source: Path, *, is_warm: bool
) -> Iterator[Callable[..., Prison]]:
    """Make a prison; keywords are settings."""
    made: list[Prison] = []

    def make(**given: Any) -> Prison:
        data = tmp_path / "data"
        for name in ("secret.key", "trueline.db", "outbox.db-wal", "source/mirror", "token"):
            (data / name).parent.mkdir(parents=True, exist_ok=True)
            (data / name).write_text(CANARY)
        settings = Settings.model_validate(
            {"data_dir": data, "source_url": source.as_uri(), "job_timeout_seconds": 100, **given}
        )
        stays = dict.fromkeys(("TRUELINE_TOKEN", "PYTHONPATH", "LD_PRELOAD"), CANARY)
        environ = {**stays, "HTTPS_PROXY": "http://proxy:1"}
        choice = shut_loopback(choose_isolation("sandbox"), settings)
        host = choice.host(launcher, settings, environ)
        warm = WarmLimits(2, 1024**3) if is_warm else WarmLimits(0, 0)
        executor = ProcessExecutor(host, data / "jobs", warm)
        made.append(Prison(data, executor, environment, launcher, is_warm))
        return made[-1]

    yield make
    for prison in made:
        prison.executor.close()


@pytest.fixture
def prison(prison_with: Callable[..., Prison]) -> Prison:
    return prison_with()


@pytest.fixture
def canary() -> str:
    return CANARY
