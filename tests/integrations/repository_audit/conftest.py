"""A real environment of the integration, real repositories, and audits in a real child process."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from integrations.repository_audit.git_command import Git, prepare_git

ROOT = Path(__file__).parents[3]
UV = Path(sys.executable).with_name("uv")
DEADLINE_SECONDS = 120
AUTHOR = {"GIT_AUTHOR_NAME": "Ann Author", "GIT_AUTHOR_EMAIL": "ann@example.com"}
STRANGER = {"GIT_AUTHOR_NAME": "Zoe", "GIT_AUTHOR_EMAIL": "zoe@example.org"}
OLD_COMMIT = {"GIT_COMMITTER_DATE": "2020-02-03T04:05:06+00:00"}
PLANTED = "vK8" + "pLq2ZrT9wXe"
COMMITTER = {"GIT_COMMITTER_NAME": "Ann Author", "GIT_COMMITTER_EMAIL": "ann@example.com"}


@dataclass(frozen=True)
class Repository:
    """A repository with a work tree that a test fills."""

    path: Path
    environment: Mapping[str, str]

    @property
    def url(self) -> str:
        return self.path.as_uri()

    def git(self, *args: str, **environment: str) -> str:
        done = subprocess.run(
            ["git", *args],
            cwd=self.path,
            env={**self.environment, **environment},
            check=True,
            capture_output=True,
            timeout=DEADLINE_SECONDS,
        )
        return done.stdout.decode().strip()

    def write(self, files: Mapping[str, str | bytes]) -> None:
        for name, content in files.items():
            target = self.path / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content.encode() if isinstance(content, str) else content)

    def commit(
        self, files: Mapping[str, str | bytes], subject: str = "Change", **environment: str
    ) -> str:
        """Write and commit files; returns the commit's id."""
        self.write(files)
        self.git("add", "--all", "--force")
        self.git("commit", "--quiet", "--allow-empty", "--message", subject, **environment)
        return self.git("rev-parse", "HEAD")


@dataclass(frozen=True)
class Audit:
    """What a child process reported of one audit."""

    events: list[dict[str, Any]]
    text: str
    returncode: int
    tasks: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def stage_one(self) -> dict[str, Any]:
        return next(event for event in self.events if event["type"] == "stage_one")

    def verdict(self, task: str) -> str:
        return str(self.tasks[task]["verdict"])

    def ids(self, task: str) -> list[str]:
        return [resource["id"] for resource in self.tasks[task]["resources"] or []]


def make_repository(path: Path) -> Repository:
    environment = {
        **AUTHOR,
        **COMMITTER,
        "PATH": os.environ["PATH"],
        "HOME": str(path.parent),
        "GIT_CONFIG_NOSYSTEM": "1",
    }
    path.mkdir()
    repository = Repository(path, environment)
    repository.git("init", "--quiet", "--initial-branch=main")
    return repository


@pytest.fixture
def new_repository(tmp_path: Path) -> Callable[[str], Repository]:
    """Return a function that makes an empty repository in the test's directory."""
    return lambda name: make_repository(tmp_path / name)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """Return an empty repository."""
    return make_repository(tmp_path / "audited")


@pytest.fixture
def git(tmp_path: Path) -> Git:
    """Return the audit's own git command, without a token."""
    return prepare_git(tmp_path / "git-home", os.environ)


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the integration's environment as a worker does: wheels alone, the SDK beside it."""
    path = tmp_path_factory.mktemp("repository_audit") / "environment"
    requirements = ROOT / "integrations" / "repository_audit" / "requirements.txt"
    install = ["pip", "install", "--quiet", "--only-binary=:all:", "--requirements"]
    for command in (
        ["venv", "--quiet", "--python", sys.executable, str(path)],
        [*install, str(requirements), "--python", str(path / "bin" / "python")],
    ):
        subprocess.run([str(UV), *command], check=True, timeout=DEADLINE_SECONDS)
    shutil.copytree(ROOT / "utils", path / "sdk" / "utils")
    return path


Auditor = Callable[..., Audit]


@pytest.fixture(scope="session")
def audit(environment: Path, tmp_path_factory: pytest.TempPathFactory) -> Auditor:
    """Return a function that audits a repository in a child process of the environment."""

    def run(config: dict[str, Any], source: dict[str, str] | None = None, **spec: Any) -> Audit:
        order = {
            "mode": "run",
            "integration": "repository_audit",
            "snapshot": str(ROOT),
            "config": config,
            "job_id": "job",
            "attempt": 1,
            "source": source or {},
            "task_timeout_seconds": 60.0,
            "result_limit_bytes": 16 * 1024 * 1024,
            **spec,
        }
        return run_child(environment, tmp_path_factory.mktemp("job"), order)

    return run


@pytest.fixture(scope="session")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """Return a repository in which nothing is wrong."""
    repository = make_repository(tmp_path_factory.mktemp("sound") / "repository")
    repository.commit(
        {
            "LICENSE": "Do as you like.\n",
            "README.md": "# Sound\n",
            "requirements.txt": "idna==3.10\n",
            "settings.py": 'PASSWORD = os.environ["PASSWORD"]\n',
        }
    )
    repository.git("branch", "topic")
    return repository


@pytest.fixture(scope="session")
def unsound(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """Return a repository in which everything is wrong."""
    repository = make_repository(tmp_path_factory.mktemp("unsound") / "repository")
    repository.commit({"a.txt": "old"}, **OLD_COMMIT)
    repository.git("branch", "left-behind")
    repository.commit(
        {
            "requirements.txt": "idna\n",
            "deploy/prod.py": f'\n\nPASSWORD = "{PLANTED}"\n',
            "data.csv": "x" * (1024 * 1024 + 1),
        },
        **STRANGER,
    )
    return repository


@pytest.fixture(scope="session")
def cut_short(tmp_path_factory: pytest.TempPathFactory, sound: Repository) -> Repository:
    """Return a sound repository of which an audit cannot see all: shallow, with huge files."""
    folder = tmp_path_factory.mktemp("cut_short")
    whole = make_repository(folder / "whole")
    whole.git("pull", "--quiet", sound.url, "main")
    whole.commit(
        {
            "dump.sql": "-- x\n" * (4 * 1024 * 1024),
            "requirements/all.txt": "# x\n" * (1200 * 1024),
        }
    )
    repository = make_repository(folder / "repository")
    repository.git("pull", "--quiet", "--depth=1", whole.url, "main")
    return repository


KNOWN_AUTHORS = {"author_pattern": r"@example\.com$"}


@pytest.fixture(scope="session")
def sound_audit(audit: Auditor, sound: Repository) -> Audit:
    return audit({"url": sound.url, **KNOWN_AUTHORS})


@pytest.fixture(scope="session")
def unsound_audit(audit: Auditor, unsound: Repository) -> Audit:
    return audit({"url": unsound.url, "large_file_mb": 1, **KNOWN_AUTHORS})


@pytest.fixture(scope="session")
def cut_short_audit(audit: Auditor, cut_short: Repository) -> Audit:
    return audit({"url": cut_short.url, "large_file_mb": 100, **KNOWN_AUTHORS})


@pytest.fixture(scope="session")
def blind_audit(audit: Auditor, sound: Repository, sound_audit: Audit) -> Audit:
    """Return an audit in which no collector ran."""
    insights = [name for name, task in sound_audit.tasks.items() if task["type"] == "insight"]
    return audit({"url": sound.url, **KNOWN_AUTHORS}, only=insights)


def run_child(environment: Path, job: Path, order: dict[str, Any]) -> Audit:
    child = [str(environment / "bin" / "python"), "-I", "-X", "utf8"]
    done = subprocess.run(
        # The events' channel, descriptor 3, becomes the pipe that is read here.
        ["/bin/sh", "-c", 'exec "$@" 3>&1 1>&2', "sh", *child, f"{environment}/sdk/utils/child.py"],
        input=json.dumps(order).encode(),
        cwd=job,
        env={"PATH": os.environ["PATH"], "HOME": str(job)},
        capture_output=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )
    events = [json.loads(line) for line in done.stdout.splitlines()]
    tasks = {
        event["result"]["name"]: event["result"]
        for event in events
        if event["type"] == "task_finished"
    }
    text = (done.stdout + done.stderr).decode()
    return Audit(events, text, done.returncode, tasks)


@pytest.fixture(scope="session")
def in_environment(environment: Path) -> Callable[[str, Any], Any]:
    """Return a function that runs `answer = f(given)` beside the integration's requirements."""

    def run(script: str, given: Any) -> Any:
        program = (
            "import json, sys\n"
            f"sys.path.insert(0, {str(ROOT)!r})\n"
            f"given = json.load(sys.stdin)\n{script}\nprint(json.dumps(answer))\n"
        )
        done = subprocess.run(
            [str(environment / "bin" / "python"), "-I", "-c", program],
            input=json.dumps(given).encode(),
            stdout=subprocess.PIPE,
            timeout=DEADLINE_SECONDS,
            check=True,
        )
        return json.loads(done.stdout)

    return run
