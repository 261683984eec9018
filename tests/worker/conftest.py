"""For the worker's tests: an HTTP server that answers as told, real jobs, small packages."""

import functools
import json
import os
import runpy
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from utils.mirror import open_source
from utils.process_tree import descendants, read_process_table
from utils.settings import Settings
from utils.snapshot import Snapshots, open_snapshots
from worker.catalogue import Catalogue
from worker.catalogue_file import CatalogueFile
from worker.current_catalogue import CurrentCatalogue
from worker.environment import Environment
from worker.environments import BuildOptions, Environments
from worker.execution import (
    Host,
    JobEnd,
    JobOrder,
    Limits,
    Prepared,
    ProcessExecutor,
    StopSignal,
    WarmLimits,
)
from worker.launcher import Launcher
from worker.preparation import Preparation
from worker.sync import Sync

REPOSITORY = Path(__file__).parents[2]
PUBLISH = REPOSITORY / "tests" / "fixtures" / "packages" / "publish.py"
PLUGINS = REPOSITORY / "tests" / "fixtures" / "plugins"
LIMITS = Limits(
    task_timeout_seconds=30,
    job_timeout_seconds=120,
    memory_limit_mb=2048,
    result_limit_bytes=1024 * 1024,
    log_limit_bytes=64 * 1024,
)

Eventually = Callable[[Callable[[], object]], None]


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    body: Any
    headers: dict[str, str]


@dataclass(frozen=True)
class Said:
    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    hang_up: bool = False


Answer = Callable[[Asked], Said]


class ScriptedApi:
    """`answers` maps a path to what is said there; `asked` keeps every request."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.asked: list[Asked] = []
        self.connections = 0
        self._changed = threading.Condition()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.api = self
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def say(self, path: str, *said: Said) -> None:
        """Say these one after the other at a path, then the last one again and again."""
        left = list(said)

        def answer(_: Asked) -> Said:
            return left.pop(0) if len(left) > 1 else left[0]

        self.answers[path] = answer

    def bodies(self, path: str) -> list[Any]:
        return [asked.body for asked in self.asked if asked.path == path]

    def wait_for(self, condition: Callable[[], object], timeout_seconds: float = 20) -> None:
        with self._changed:
            assert self._changed.wait_for(condition, timeout_seconds), "it did not come to this"

    def take(self, asked: Asked) -> Said:
        with self._changed:
            self.asked.append(asked)
            self._changed.notify_all()
        answer = self.answers.get(asked.path)
        return answer(asked) if answer else Said(404, {"detail": "nothing here", "advice": "go"})

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    api: ScriptedApi


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.server.api.connections += 1

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Keep the test's output clean."""

    def _serve(self) -> None:
        text = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = json.loads(text) if text else None
        said = self.server.api.take(Asked(self.command, self.path, body, dict(self.headers)))
        if said.hang_up:
            self.close_connection = True
            self.connection.close()
            return
        content = said.body if isinstance(said.body, bytes) else json.dumps(said.body).encode()
        self.send_response(said.status)
        for name, value in {**said.headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)


@pytest.fixture
def scripted_api() -> Iterator[ScriptedApi]:
    api = ScriptedApi()
    yield api
    api.close()


@pytest.fixture
def said() -> type[Said]:
    return Said


@dataclass(frozen=True)
class EndedJob:
    """What became of a job that ran in a test."""

    end: JobEnd
    events: list[dict[str, Any]]

    def of_type(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["type"] == kind]

    @property
    def results(self) -> dict[str, dict[str, Any]]:
        results = [event["result"] for event in self.of_type("task_finished")]
        names = [result["name"] for result in results]
        assert len(names) == len(set(names)), f"reported twice: {names}"
        return {result["name"]: result for result in results}

    @property
    def statuses(self) -> dict[str, str]:
        return {name: result["status"] for name, result in self.results.items()}

    def printed(self, stream: str) -> str:
        texts = [event["text"] for event in self.of_type("output") if event["stream"] == stream]
        return "".join(texts)


@pytest.fixture(params=["fresh", "warm"])
def warm_limits(request: pytest.FixtureRequest) -> WarmLimits:
    """Run what uses it twice: with a fresh interpreter a job, and with warm processes."""
    return WarmLimits(4, 1024**3) if request.param == "warm" else WarmLimits(0, 0)


@pytest.fixture
def executors() -> Iterator[list[ProcessExecutor]]:
    """The executors that a test has made; closed after it."""
    made: list[ProcessExecutor] = []
    yield made
    for executor in made:
        executor.close()


@pytest.fixture
def nothing_left(
    launcher: Launcher, executors: list[ProcessExecutor], eventually: Eventually
) -> Callable[[], None]:
    """Check that the launcher has no process below it but warm ones, and none once they ended."""

    def left() -> int:
        return len(descendants(launcher.pid, read_process_table()))

    def check() -> None:
        # A warm process has a supervisor, and nothing below it but those that wait for jobs, each
        # with what becomes the next job's child.
        totals = [executor.warm.totals() for executor in executors]
        eventually(lambda: left() == sum(2 * (one.processes + one.waiting) for one in totals))
        for executor in executors:
            executor.warm.close()
        eventually(lambda: not left())

    return check


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """The project's own interpreter with a copy of the SDK, as environments hold it."""
    path = tmp_path_factory.mktemp("environment")
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(REPOSITORY / "utils", path / "sdk" / "utils", ignore=ignored)
    return replace(Environment.at(path), python=Path(sys.executable))


@pytest.fixture
def executor_with(
    launcher: Launcher, tmp_path: Path, warm_limits: WarmLimits, executors: list[ProcessExecutor]
) -> Callable[..., ProcessExecutor]:
    """Make an executor; keywords change its limits."""

    def make(environ: Mapping[str, str] | None = None, **limits: Any) -> ProcessExecutor:
        host = Host(launcher, replace(LIMITS, **limits), environ or {})
        executors.append(ProcessExecutor(host, tmp_path / "jobs", warm_limits))
        return executors[-1]

    return make


@pytest.fixture
def describer_with(launcher: Launcher, tmp_path: Path) -> Callable[..., ProcessExecutor]:
    """Make an executor for what no warm process does: to describe, and to run an author's tests."""

    def make(**limits: Any) -> ProcessExecutor:
        host = Host(launcher, replace(LIMITS, **limits), {})
        return ProcessExecutor(host, tmp_path / "jobs", WarmLimits(0, 0))

    return make


@pytest.fixture
def prepare(environment: Environment) -> Callable[..., Prepared]:
    """Take an integration of tests/fixtures/plugins, or of another snapshot."""

    def prepared(integration: str, snapshot: Path = PLUGINS) -> Prepared:
        source = {"url": "file:///source", "ref": "main"}
        return Prepared(integration, "c" * 40, snapshot, environment, source)

    return prepared


@pytest.fixture
def run_plugin(
    executor_with: Callable[..., ProcessExecutor], prepare: Callable[..., Prepared]
) -> Callable[..., EndedJob]:
    """Run an integration to its end; keywords change the limits."""

    def run(
        integration: str,
        config: Mapping[str, Any],
        *secrets: str,
        emit: Callable[[dict[str, Any]], None] = lambda _event: None,
        stop: StopSignal | None = None,
        **limits: Any,
    ) -> EndedJob:
        events: list[dict[str, Any]] = []

        def take(event: dict[str, Any]) -> None:
            events.append(event)
            emit(event)

        order = JobOrder("job-1", 1, integration, config, secrets)
        executor = executor_with(**limits)
        end = executor.run(order, prepare(integration), take, stop or StopSignal())
        return EndedJob(end, events)

    return run


class PackageIndex:
    """A package index of small packages, as a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.url = root.as_uri()

    def add(self, name: str, version: str, *requires: str) -> None:
        """Publish a wheel with a module that holds its VERSION, and a script."""
        self._publish("wheel", name, version, *requires)

    def add_files(self, name: str, version: str, files: Mapping[str, str]) -> None:
        """Publish a wheel of these files."""
        self._publish("files", name, version, json.dumps(files))

    def add_source(self, name: str, version: str, canary: Path) -> None:
        """Publish source code alone; building it writes the canary."""
        self._publish("source", name, version, str(canary))

    def add_setup(self, name: str, version: str, canary: Path) -> None:
        """Publish source code of the old kind; its setup.py writes the canary."""
        self._publish("setup", name, version, str(canary))

    def add_acting(self, name: str, version: str, code: str) -> None:
        """Publish source code alone; `act(files)` of `code` is called when it is built."""
        self._publish("acting", name, version, code)

    def _publish(self, *arguments: str) -> None:
        runpy.run_path(str(PUBLISH))["main"](str(self.root), *arguments)


@pytest.fixture
def new_package_index(tmp_path: Path) -> Callable[[str], PackageIndex]:
    """Make an empty index of a name, for tests that change one."""
    return lambda name: PackageIndex(tmp_path / name)


@pytest.fixture(scope="session")
def package_index(tmp_path_factory: pytest.TempPathFactory) -> PackageIndex:
    """Make an index of packages that install fast."""
    index = PackageIndex(tmp_path_factory.mktemp("index"))
    for version in ("1.0", "1.5", "2.0"):
        index.add("tiny-base", version)
    for version in ("1.0", "2.0"):
        index.add("tiny-alpha", version)
    index.add("tiny-beta", "1.0", "tiny-alpha<2")
    index.add("tiny-gamma", "1.0", "tiny-base>=2")
    return index


@pytest.fixture(scope="session")
def package_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache of packages for all tests, so that each is fetched once."""
    return tmp_path_factory.mktemp("package-cache")


@pytest.fixture(scope="session")
def small_sdk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that stands for utils/ where its content does not matter."""
    folder = tmp_path_factory.mktemp("sdk") / "utils"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "child.py").write_text("print('the child')\n")
    (folder / "notes.txt").write_text("not a part of the SDK\n")
    return folder


@pytest.fixture(scope="session")
def open_environments(
    package_index: PackageIndex, package_cache: Path, small_sdk: Path
) -> Callable[..., Environments]:
    """Open the environments of a directory; keywords change the options."""

    def opened(
        directory: Path,
        on_progress: Callable[[str, str], None] = lambda _integration, _step: None,
        *,
        sdk: Path = small_sdk,
        index: str = package_index.url,
        environ: Mapping[str, str] | None = None,
        **options: Any,
    ) -> Environments:
        variables = {"PATH": os.environ["PATH"], "UV_DEFAULT_INDEX": index, **(environ or {})}
        chosen = BuildOptions(environ=variables, **{"cache": package_cache, **options})
        return Environments(directory, ["tiny-base>=1,<2"], sdk, chosen, on_progress)

    return opened


@pytest.fixture
def environments_with(
    tmp_path: Path, open_environments: Callable[..., Environments]
) -> Callable[..., Environments]:
    """Open the environments of this test."""
    return functools.partial(open_environments, tmp_path / "environments")


TASK = """from utils.decorators import task


@task(name="look", title="Look")
def look(self, ctx):
    return {"data": {"version": VERSION}}
"""
ENTRY = """from utils.base_runner import BaseRunner


class Runner(BaseRunner):
    class StageOne(BaseRunner.StageOne):
        def start(self):
            return {}

    class StageTwo(BaseRunner.StageTwo):
        pass
"""


class SmallSource:
    """A Git source whose integrations have one small task each."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._listed: dict[str, bool] = {}
        path.mkdir()
        self._git("init", "--quiet", "--initial-branch=main")

    def put(self, name: str, version: int = 1, *, enabled: bool = True, **files: str) -> None:
        """Write an integration; `files` are further ones, `entry` replaces its entry.py."""
        folder = self.path / "integrations" / name
        (folder / "collectors").mkdir(parents=True, exist_ok=True)
        (folder / "entry.py").write_text(files.pop("entry", ENTRY))
        (folder / "collectors" / "look.py").write_text(TASK.replace("VERSION", str(version)))
        for file, text in files.items():
            (folder / f"{file}.txt").write_text(text)
        self._listed[name] = enabled

    def push(self, manifest: str = "") -> str:
        """Commit everything under a manifest of all that was put, or this one."""
        entries = [
            {"name": name, "title": name, "enabled": enabled, "schema": {"type": "object"}}
            for name, enabled in self._listed.items()
        ]
        (self.path / "integrations.json").write_text(manifest or json.dumps(entries))
        self._git("add", "--all")
        who = ("-c", "user.name=T", "-c", "user.email=t@example.invalid")
        self._git(*who, "commit", "--quiet", "--allow-empty", "--message=change")
        return self._git("rev-parse", "HEAD")

    def go_back(self, commit: str) -> None:
        """Let the branch name an older commit, as a forced push does."""
        self._git("update-ref", "refs/heads/main", commit)

    def _git(self, *args: str) -> str:
        environ = {"PATH": os.environ["PATH"], "HOME": str(self.path), "GIT_CONFIG_NOSYSTEM": "1"}
        end = subprocess.run(
            ["git", *args], cwd=self.path, env=environ, check=True, capture_output=True, text=True
        )
        return end.stdout.strip()


@dataclass(frozen=True)
class SyncParts:
    """A sync of a small source with real environments that have no requirements."""

    source: SmallSource
    snapshots: Snapshots
    environments: Environments
    current: CurrentCatalogue
    file: CatalogueFile
    sync: Sync

    @property
    def catalogue(self) -> Catalogue:
        return self.current.get()


@pytest.fixture
def small_source(tmp_path: Path) -> SmallSource:
    return SmallSource(tmp_path / "small-source")


@pytest.fixture(scope="session")
def shared_environments(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory of environments for tests that neither build nor reclaim them."""
    return tmp_path_factory.mktemp("shared") / "environments"


@pytest.fixture
def sync_parts(
    small_source: SmallSource,
    describer_with: Callable[..., ProcessExecutor],
    tmp_path: Path,
    shared_environments: Path,
) -> Callable[..., SyncParts]:
    """Make a sync as a worker's start does; made again, it finds what the last one has left.

    A test may name a directory of environments of its own.
    """

    def make(directory: Path = shared_environments) -> SyncParts:
        settings = Settings.model_validate({"source_url": str(small_source.path)})
        mirror = open_source(tmp_path / "data" / "source", settings, os.environ)
        snapshots = open_snapshots(mirror, settings)
        environments = Environments(directory, (), REPOSITORY / "utils")
        file = CatalogueFile(tmp_path / "data" / "catalogue.json", snapshots.mirror.source.shown)
        current = CurrentCatalogue(file.read(snapshots.find, environments.existing))
        preparation = Preparation(environments, describer_with(), frozenset())
        sync = Sync(snapshots, preparation, current, file, 2)
        return SyncParts(small_source, snapshots, environments, current, file, sync)

    return make
