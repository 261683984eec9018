"""An API over a real database and a real source repository; a real server where a test asks."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from flask_openapi.openapi import OpenAPI

from api.app import create_app
from api.database import Database
from api.migrate import migrate
from api.state import State, state_of
from utils.settings import Settings

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
CommitSource = Callable[..., str]


@dataclass
class HandClock:
    """Stands still until a test moves it."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now

    def move(self, **step: float) -> datetime:
        self.now += timedelta(**step)
        return self.now


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    source_url = (tmp_path / "source").as_uri()
    return Settings.model_validate({"data_dir": data_dir, "source_url": source_url})


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    database = Database(settings.database)
    migrate(database)
    yield database
    database.close()


@pytest.fixture
def app(settings: Settings, database: Database, clock: HandClock) -> OpenAPI:
    app = create_app(settings, database, clock)
    app.validate_response = True  # every answer is what /openapi.json says
    return app


@pytest.fixture
def state(app: OpenAPI) -> State:
    return state_of(app)


@pytest.fixture
def client(app: OpenAPI) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def commit_source(tmp_path: Path) -> CommitSource:
    """Commit a manifest, entries or text, with the folders given or one for each entry."""
    repository = tmp_path / "source"
    home = tmp_path / "author"
    home.mkdir()
    environ = {"PATH": os.environ["PATH"], "HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1"}
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")

    def git(*args: str) -> str:
        command = ["git", "-C", str(repository), *who, *args]
        done = subprocess.run(command, env=environ, check=True, capture_output=True, timeout=60)
        return done.stdout.decode().strip()

    def commit(manifest: Sequence[Mapping[str, Any]] | str, folders: Sequence[str] = ()) -> str:
        if not repository.exists():
            repository.mkdir()
            git("init", "--quiet", "--initial-branch", "main")
        text = manifest if isinstance(manifest, str) else json.dumps(manifest)
        (repository / "integrations.json").write_text(text)
        listed = [] if isinstance(manifest, str) else [entry["name"] for entry in manifest]
        for name in folders or listed:
            entry = repository / "integrations" / name / "entry.py"
            entry.parent.mkdir(parents=True, exist_ok=True)
            entry.write_text("")
        git("add", "--all")
        git("commit", "--quiet", "--allow-empty", "--message", "change")
        return git("rev-parse", "HEAD")

    return commit


@pytest.fixture
def registered(commit_source: CommitSource, client: FlaskClient) -> FlaskClient:
    """A client of an API that knows the integration `dns`, whose config needs a secret token."""
    schema = {
        "type": "object",
        "required": ["token"],
        "additionalProperties": False,
        "properties": {
            "token": {"type": "string", "format": "password"},
            "zone": {"type": "string"},
            "hosts": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "name": {"type": "string"},
                        "key": {"type": "string", "writeOnly": True},
                    },
                },
            },
        },
    }
    commit_source([{"name": "dns", "title": "DNS", "schema": schema}])
    answer = client.post("/init-integrations")
    assert answer.status_code == 200, answer.json
    return client


@dataclass(frozen=True)
class Served:
    """`python -m api` as a process of its own."""

    process: subprocess.Popen[bytes]
    data_dir: Path
    log: Path

    @property
    def url(self) -> str:
        return (self.data_dir / "api.address").read_text().strip()

    @property
    def log_lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()]


@pytest.fixture
def start_server(tmp_path: Path, settings: Settings) -> Iterator[Callable[..., Served]]:
    """Start a server and wait until it serves, or, with `wait=False`, do not wait."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*, wait: bool = True, **variables: str) -> Served:
        log = tmp_path / f"server-{len(started)}.log"
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "TRUELINE_DATA_DIR": str(settings.data_dir),
            "TRUELINE_SOURCE_URL": settings.source_url,
            "TRUELINE_API_PORT": "0",
            "TRUELINE_LOG_FORMAT": "json",
            **variables,
        }
        with log.open("wb") as stderr:
            command = [sys.executable, "-m", "api"]
            process = subprocess.Popen(command, env=environ, stderr=stderr, start_new_session=True)
        started.append(process)
        address = settings.data_dir / "api.address"
        end = time.monotonic() + 30
        while wait and not address.exists():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < end, "the server did not start"
            time.sleep(0.02)
        return Served(process, settings.data_dir, log)

    yield start
    for process in started:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
