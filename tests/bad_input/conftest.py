"""One running Trueline over a source full of broken integrations, beside good ones."""

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from cli.main import main
from cli.stack import Stack
from utils.settings import read_settings

FIXTURES = Path(__file__).parents[1] / "fixtures" / "bad_input"
READY_SECONDS = 120
WAIT_SECONDS = 60
TASK_SECONDS = 3  # an import that hangs is waited for as long
RESULT_LIMIT_BYTES = 1_000_000
JOB_ENDED = {"success", "partial", "failed", "cancelled"}

LogLine = dict[str, Any]


@dataclass(frozen=True)
class Ran:
    """What one call of the command left; `said` is all of its words on one line."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        return " ".join(f"{self.out} {self.err}".split())


RunCommand = Callable[..., Ran]


class Repository:
    """The Git source; each commit is what its default branch is at."""

    def __init__(self, path: Path) -> None:
        self.path = path
        shutil.copytree(FIXTURES / "source", path)
        self.git("init", "--quiet", "--initial-branch=main")
        self.first = self.commit()

    def git(self, *args: str) -> str:
        environ = {"PATH": os.environ["PATH"], "HOME": str(self.path), "GIT_CONFIG_NOSYSTEM": "1"}
        who = ["-c", "user.name=T", "-c", "user.email=t@example.invalid"]
        ended = subprocess.run(
            ["git", *who, *args],
            cwd=self.path,
            env=environ,
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
        )
        return ended.stdout.strip()

    def commit(self) -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message=change")
        return self.git("rev-parse", "HEAD")

    def write(self, path: str, content: bytes) -> None:
        (self.path / path).write_bytes(content)

    def back_to(self, commit: str) -> None:
        self.git("reset", "--quiet", "--hard", commit)


@dataclass(frozen=True)
class Scene:
    """The source, the API over HTTP, and the worker's log."""

    repository: Repository
    http: httpx2.Client
    address: str
    log: list[LogLine]
    api_log: Path
    manifests: Path = FIXTURES / "manifests"

    def ask(self, method: str, path: str, **more: Any) -> httpx2.Response:
        return self.http.request(method, path, **more)

    def get(self, path: str, **query: Any) -> Any:
        answer = self.http.get(f"/api/v1{path}", params=query)
        assert answer.is_success, answer.text
        return answer.json()

    def integration(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.get(f"/integrations/{name}")
        return found

    def init(self) -> dict[str, Any]:
        answer = self.http.post("/init-integrations")
        assert answer.status_code == 200, answer.text
        registered: dict[str, Any] = answer.json()
        return registered

    def deploy(
        self, integration: str, name: str = "", config: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return the deployment of this name, else of the integration's; made where missing."""
        name = name or integration
        answer = self.http.get(f"/api/v1/deployments/{name}")
        if answer.status_code == 404:
            new = {"name": name, "integration": integration, "config": config or {}}
            answer = self.http.post("/api/v1/deployments", json=new)
        assert answer.is_success, answer.text
        deployment: dict[str, Any] = answer.json()
        return deployment

    def scan(self, name: str) -> dict[str, Any]:
        """Run a job of the integration's deployment to its end."""
        deployment = self.deploy(name)
        started = self.http.post(f"/api/v1/deployments/{deployment['id']}/jobs")
        assert started.status_code == 202, started.text
        job: dict[str, Any] = self.get(f"/jobs/{started.json()['job_id']}", timeout=60)
        assert job["status"] in JOB_ENDED, job
        return job

    @staticmethod
    def wait_for(condition: Callable[[], Any]) -> Any:
        """Poll until the condition holds, and return what it gave."""
        end = time.monotonic() + WAIT_SECONDS
        while not (found := condition()):
            assert time.monotonic() < end, "it did not come to this"
            time.sleep(0.05)
        return found

    def check_good(self) -> None:
        """The good integration works whatever stands beside it."""
        job = self.scan("good")
        assert (job["status"], job["error"]) == ("success", None)
        assert self.integration("good")["state"] == "ready"

    def logged(self, event: str, **values: Any) -> LogLine | None:
        """Return the latest such line of the worker's log."""
        lines = [line for line in self.log if line.get("event") == event]
        found = [line for line in lines if values.items() <= line.items()]
        return found[-1] if found else None


@pytest.fixture(scope="session")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    return Repository(tmp_path_factory.mktemp("bad_input") / "source")


@pytest.fixture(scope="session")
def environ(repository: Repository, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """Return the variables of API, worker and command."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TRUELINE_")}
    return {
        **kept,
        "TRUELINE_DATA_DIR": str(tmp_path_factory.mktemp("data")),
        "TRUELINE_SOURCE_URL": repository.path.as_uri(),
        "TRUELINE_API_PORT": "0",
        "TRUELINE_SYNC_SECONDS": "2",
        "TRUELINE_TASK_TIMEOUT_SECONDS": str(TASK_SECONDS),
        "TRUELINE_RESULT_LIMIT_BYTES": str(RESULT_LIMIT_BYTES),
        "NO_COLOR": "1",
    }


@pytest.fixture(scope="package")
def scene(environ: Mapping[str, str], repository: Repository) -> Iterator[Scene]:
    """Run everything until the last test of this folder; it begins with a good scan."""
    log: list[LogLine] = []
    ready = threading.Event()

    def hear(line: LogLine) -> None:
        log.append(line)
        if line.get("event") == "worker ready":
            ready.set()

    settings = read_settings(environ, repository.path)
    with Stack(settings, environ, hear) as stack:
        http = httpx2.Client(base_url=stack.address, timeout=90, trust_env=False)
        api_log = settings.data_dir / "logs" / "api.log"
        scene = Scene(repository, http, stack.address, log, api_log)
        scene.init()
        end = time.monotonic() + READY_SECONDS
        while not ready.wait(0.1):
            stack.check()
            assert time.monotonic() < end
        scene.wait_for(lambda: scene.integration("good")["state"] == "ready")
        scene.check_good()
        yield scene
        scene.check_good()
        stack.check()
        http.close()


@pytest.fixture
def trueline(
    scene: Scene,
    environ: Mapping[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> RunCommand:
    """Call the command in a checkout of the source, against the running API."""
    for name, value in {**environ, "TRUELINE_API_URL": scene.address}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(scene.repository.path)

    def run(*arguments: str) -> Ran:
        capfd.readouterr()
        code = main(list(arguments))
        said = capfd.readouterr()
        assert "Traceback" not in said.err
        assert "defect of ours" not in said.err
        return Ran(code, said.out, said.err)

    return run
