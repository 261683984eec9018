"""A real API with one deployment, and a worker's hand where a test needs one."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
from werkzeug.serving import make_server

from api.app import create_app
from api.database import Database
from api.migrate import migrate
from api.state import state_of
from api.tables import integrations
from utils import __version__
from utils.settings import Settings

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Hand:
    """Does what a worker does, over the routes."""

    url: str

    def lease(self) -> dict[str, Any]:
        """Wait for a job, for a minute at most."""
        wanted = {"worker": "w1", "slots": 1, "wait_seconds": 10, "version": __version__}
        for _ in range(6):
            leases: list[dict[str, Any]] = self.post("/api/v1/leases", wanted)["leases"]
            if leases:
                return leases[0]
        raise AssertionError("nobody asked for a job")

    def report(self, lease: dict[str, Any], *events: dict[str, Any]) -> None:
        report = {name: lease[name] for name in ("job_id", "attempt", "token")}
        self.post("/api/v1/events", {"reports": [report | {"events": list(events)}]})

    def post(self, path: str, body: Any) -> Any:
        answer = httpx2.post(
            f"{self.url}{path}", json=body, timeout=30, trust_env=False, verify=False
        )
        assert answer.is_success, answer.text
        return answer.json()


@pytest.fixture
def served_database(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'trueline.db'}")
    migrate(database)
    row = {"name": "tool", "title": "Tool", "description": "", "enabled": True, "schema": {}}
    row |= {"state": "registered", "created_at": NOON, "updated_at": NOON}
    with database.write() as connection:
        connection.execute(integrations.insert().values(row))
    yield database
    database.close()


@pytest.fixture
def address(tmp_path: Path, served_database: Database) -> Iterator[str]:
    """Serve an API of this process."""
    app = create_app(Settings.model_validate({"data_dir": tmp_path}), served_database)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    state_of(app).stops.run()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def hand(address: str) -> Hand:
    return Hand(address)


@pytest.fixture
def run_plain() -> Callable[[str], str]:
    """Run code in an interpreter of its own."""

    def run(code: str) -> str:
        environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[1])}
        command = [sys.executable, "-c", code]
        done = subprocess.run(
            command, env=environ, capture_output=True, text=True, timeout=60, check=True
        )
        return done.stdout

    return run
