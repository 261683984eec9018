"""An API over a real database and a real source repository; a real server where a test asks."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from flask_openapi.openapi import OpenAPI
from sqlalchemy import insert

from api.app import create_app
from api.database import Database
from api.issued_tokens import IssuedToken, Wanted, issue_token
from api.principal import Role
from api.signing_key import SigningKeys, make_signing_key, read_signing_keys
from api.state import State, state_of
from api.tables import integrations
from tests import preloaded
from tests.api.desk import Desk
from tests.api.hand_clock import NOON, HandClock
from tests.api.served import Served, servers
from tests.postgres import PostgreSQL
from utils import __version__
from utils.settings import Settings

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


@pytest.fixture
def starter() -> Callable[..., preloaded.Started]:
    """Return what starts a process."""
    return preloaded.start


@pytest.fixture
def start_server(
    tmp_path: Path, settings: Settings, starter: Callable[..., preloaded.Started]
) -> Iterator[Callable[..., Served]]:
    """Start a server and wait until it serves, or, with `wait=False`, do not wait."""
    with servers(tmp_path, settings, starter) as start:
        yield start


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
