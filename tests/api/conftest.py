"""An API over a real database and a real source repository; a real server where a test asks."""

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from flask_openapi.openapi import OpenAPI
from sqlalchemy import insert
from werkzeug.test import TestResponse

from api.app import create_app
from api.database import Database
from api.issued_tokens import IssuedToken, Wanted, issue_token
from api.principal import Role
from api.signing_key import SigningKeys, make_signing_key, read_signing_keys
from api.state import State, state_of
from api.tables import integrations
from tests import preloaded
from tests.postgres import PostgreSQL
from utils import __version__
from utils.settings import Settings

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
CommitSource = Callable[..., str]
DNS_SCHEMA: Mapping[str, Any] = {
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
def settings(tmp_path: Path, database_url: str) -> Settings:
    data_dir = tmp_path / "data"
    data_dir.mkdir(exist_ok=True)
    values = {"data_dir": data_dir, "source_url": (tmp_path / "source").as_uri()}
    return Settings.model_validate(values | {"database_url": database_url})


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    database = Database(settings.database)
    yield database
    database.close()


@pytest.fixture
def lose_database(
    settings: Settings, database: Database, request: pytest.FixtureRequest
) -> Callable[[], None]:
    """Return what takes the database away from under the API."""

    def lose() -> None:
        database.close()
        if database.kind == "postgresql":
            server: PostgreSQL = request.getfixturevalue("postgresql")
            server.drop(str(database.engine.url.database))
        for file in settings.data_dir.glob("trueline.db*"):
            file.write_bytes(b"this is no database, it is a poem " * 1000)

    return lose


@pytest.fixture
def app(settings: Settings, database: Database, clock: HandClock) -> Iterator[OpenAPI]:
    app = create_app(settings, database, clock, os.environ)
    app.validate_response = True  # every answer is what /openapi.json says
    yield app
    state_of(app).stops.run()


@pytest.fixture
def state(app: OpenAPI) -> State:
    return state_of(app)


@pytest.fixture
def client(app: OpenAPI) -> FlaskClient:
    return app.test_client()


@dataclass(frozen=True)
class Guarded:
    """An API with a signing key, and what makes tokens for it."""

    app: OpenAPI
    database: Database
    clock: HandClock
    keys: SigningKeys

    def issue(self, role: Role, name: str = "", days: float = 90) -> tuple[IssuedToken, str]:
        wanted = Wanted(name or f"a-{role}", role, timedelta(days=days), "test")
        with self.database.write() as connection:
            return issue_token(connection, self.keys, wanted, self.clock())

    def bearer(self, role: Role | None, name: str = "") -> dict[str, str]:
        return {} if role is None else {"Authorization": f"Bearer {self.issue(role, name)[1]}"}

    def client(self, role: Role | None, name: str = "") -> FlaskClient:
        client = self.app.test_client()
        for header, value in self.bearer(role, name).items():
            client.environ_base[f"HTTP_{header.upper()}"] = value
        return client


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "keys" / "signing.json"
    make_signing_key(path)
    return path


@pytest.fixture
def guarded(
    settings: Settings, database: Database, clock: HandClock, key_file: Path
) -> Iterator[Guarded]:
    keyed = settings.model_copy(update={"signing_key_file": key_file})
    app = create_app(keyed, database, clock, os.environ)
    app.validate_response = True
    yield Guarded(app, database, clock, read_signing_keys(key_file))
    state_of(app).stops.run()


@pytest.fixture
def presence() -> dict[str, Any]:
    """What a worker reports of itself."""
    check = {"name": "source", "status": "ok", "seconds": 0.1, "error": None, "advice": None}
    return {
        "version": __version__,
        "isolation": "sandbox",
        "egress": "open",
        "state": "running",
        "started_at": NOON.isoformat(),
        "jobs_running": 0,
        "concurrency": 4,
        "outbox_events": 0,
        "outbox_bytes": 0,
        "outbox_oldest_seconds": 0.0,
        "checks": [check | {"detail": ""}],
    }


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


@dataclass(frozen=True)
class Registrar:
    """Registers what the source lists, deploys it and looks at both, over the routes."""

    client: FlaskClient

    def init(self) -> Any:
        answer = self.client.post("/init-integrations")
        assert answer.status_code == 200, answer.json
        return answer.json

    def deploy(self, integration: str = "dns", **fields: Any) -> Any:
        body = {"name": "prod", "integration": integration, "config": {}, "schedule": "every 1h"}
        answer = self.client.post("/api/v1/deployments", json=body | fields)
        assert answer.status_code == 201, answer.json
        return answer.json

    def deployment(self) -> Any:
        return self.client.get("/api/v1/deployments/prod").json

    def integration(self, name: str) -> Any:
        return self.client.get(f"/api/v1/integrations/{name}").json


@pytest.fixture
def registrar(client: FlaskClient) -> Registrar:
    return Registrar(client)


@pytest.fixture
def registered(client: FlaskClient, database: Database) -> FlaskClient:
    """A client of an API that knows the integration `dns`, whose config needs a secret token."""
    row = {
        "name": "dns",
        "title": "DNS",
        "description": "",
        "enabled": True,
        "schema": DNS_SCHEMA,
        "state": "registered",
        "created_at": NOON,
        "updated_at": NOON,
    }
    with database.write() as connection:
        connection.execute(insert(integrations).values(row))
    return client


@dataclass(frozen=True)
class Served:
    """`python -m api` as a process of its own."""

    process: preloaded.Started
    data_dir: Path
    log: Path

    @property
    def url(self) -> str:
        return (self.data_dir / "api.address").read_text().strip()

    @property
    def log_lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()]


@pytest.fixture
def starter() -> Callable[..., preloaded.Started]:
    """Return what starts a process."""
    return preloaded.start


@pytest.fixture
def start_server(
    tmp_path: Path, settings: Settings, starter: Callable[..., preloaded.Started]
) -> Iterator[Callable[..., Served]]:
    """Start a server and wait until it serves, or, with `wait=False`, do not wait."""
    started: list[preloaded.Started] = []

    def start(*, wait: bool = True, **variables: str) -> Served:
        log = tmp_path / f"server-{len(started)}.log"
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "TRUELINE_DATA_DIR": str(settings.data_dir),
            "TRUELINE_DATABASE_URL": settings.database_url,
            "TRUELINE_SOURCE_URL": settings.source_url,
            "TRUELINE_API_PORT": "0",
            "TRUELINE_LOG_FORMAT": "json",
            **variables,
        }
        with log.open("wb") as said:
            process = starter("api", environ, tmp_path, said)
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


@dataclass(frozen=True)
class Desk:
    """Drives jobs over the routes as users and workers do."""

    client: FlaskClient
    clock: HandClock
    seqs: dict[tuple[str, int], int]

    def deploy(self, name: str = "nightly", **fields: Any) -> str:
        body = {"name": name, "integration": "tool", "config": {}} | fields
        return str(self.good(self.client.post("/api/v1/deployments", json=body))["id"])

    def start(self, deployment: str = "nightly") -> str:
        answer = self.client.post(f"/api/v1/deployments/{deployment}/jobs")
        return str(self.good(answer)["job_id"])

    def lease(self, worker: str = "w1", slots: int = 1) -> list[dict[str, Any]]:
        body = {"worker": worker, "slots": slots, "wait_seconds": 0, "version": __version__}
        leases: list[dict[str, Any]] = self.good(self.client.post("/api/v1/leases", json=body))[
            "leases"
        ]
        return leases

    def event(self, lease: Mapping[str, Any], kind: str, **fields: Any) -> dict[str, Any]:
        """Number an event after the last one of its attempt."""
        attempt = (lease["job_id"], lease["attempt"])
        self.seqs[attempt] = self.seqs.get(attempt, 0) + 1
        return {"seq": self.seqs[attempt], "at": self.clock.now.isoformat(), "type": kind} | fields

    def started(self, lease: Mapping[str, Any], worker: str = "w1") -> dict[str, Any]:
        fields = {"commit": "c" * 40, "environment": "e1", "isolation": "process"}
        return self.event(lease, "started", worker=worker, **fields)

    def finished(self, lease: Mapping[str, Any], name: str, **fields: Any) -> dict[str, Any]:
        """Report an insight; it passes unless `fields` say otherwise."""
        result: dict[str, Any] = {
            "name": name,
            "title": name.title(),
            "type": "insight",
            "status": "success",
            "verdict": "pass",
            "severity": "high",
            "message": None,
            "data": {},
            "resources": None,
            "errors": None,
            "logs": [],
            "duration_seconds": 0.1,
            "reason": None,
            "partial": [],
            "cause": None,
        }
        return self.event(lease, "task_finished", result=result | fields)

    def ended(
        self, lease: Mapping[str, Any], status: str = "success", **fields: Any
    ) -> dict[str, Any]:
        return self.event(lease, "job_finished", **{"status": status, "error": None} | fields)

    def send(self, lease: Mapping[str, Any], *events: Mapping[str, Any]) -> TestResponse:
        report = {name: lease[name] for name in ("job_id", "attempt", "token")}
        body = {"reports": [report | {"events": list(events)}]}
        return self.client.post("/api/v1/events", json=body)

    def run(self, *results: Mapping[str, Any], deployment: str = "nightly") -> str:
        """Carry out a whole job that reports these results."""
        job_id = self.start(deployment)
        (lease,) = self.lease()
        tasks = [self.finished(lease, **dict(result)) for result in results]
        self.good(self.send(lease, *tasks, self.ended(lease, "partial")))
        return job_id

    def job(self, job_id: str) -> dict[str, Any]:
        return self.good(self.client.get(f"/api/v1/jobs/{job_id}"))

    def violations(self, **query: Any) -> list[dict[str, Any]]:
        answer = self.client.get("/api/v1/violations", query_string=query)
        items: list[dict[str, Any]] = self.good(answer)["items"]
        return items

    def good(self, answer: TestResponse) -> dict[str, Any]:
        assert answer.status_code < 300, answer.json
        content: dict[str, Any] = answer.json or {}
        return content


@pytest.fixture
def add_integration(database: Database) -> Callable[[str], None]:
    """Record an integration that takes any config."""

    def add(name: str) -> None:
        row: dict[str, Any] = {"name": name, "title": name, "description": "", "schema": {}}
        row |= {"enabled": True, "state": "registered", "created_at": NOON, "updated_at": NOON}
        with database.write() as connection:
            connection.execute(integrations.insert().values(row))

    return add


@pytest.fixture
def desk(add_integration: Callable[[str], None], client: FlaskClient, clock: HandClock) -> Desk:
    """A desk with one integration `tool` and its deployment `nightly`."""
    add_integration("tool")
    desk = Desk(client, clock, {})
    desk.deploy()
    return desk
