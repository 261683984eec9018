"""An API without a worker, for benchmarks that are its worker themselves."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from api.database import Database
from api.listener import ADDRESS_FILE
from api.migrate import migrate, revision
from api.tables import integrations
from utils import __version__

ROOT = Path(__file__).resolve().parent.parent
INTEGRATION = "bench"
NOTHING: Mapping[str, str] = MappingProxyType({})


class LoneApi:
    """One connection to an API, as a worker has it."""

    def __init__(self, address: str) -> None:
        self.address = address
        parts = urlsplit(address)
        self._connection = HTTPConnection(parts.hostname or "", parts.port)

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def get(self, path: str) -> Any:
        """GET JSON; raises RuntimeError for a refusal."""
        self._connection.request("GET", f"/api/v1{path}")
        return self._answer(path)

    def post(self, path: str, body: Any, headers: Mapping[str, str] = NOTHING) -> Any:
        """POST JSON; raises RuntimeError for a refusal."""
        named = {"Content-Type": "application/json", **headers}
        self._connection.request("POST", f"/api/v1{path}", json.dumps(body), named)
        return self._answer(path)

    def _answer(self, path: str) -> Any:
        answer = self._connection.getresponse()
        content = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{path}: {answer.status} {content.decode()}")
        return json.loads(content)

    def deploy(self, name: str) -> str:
        """Make a deployment; return its id."""
        body = {"name": name, "integration": INTEGRATION, "config": {}}
        return str(self.post("/deployments", body)["id"])

    def lease(self) -> dict[str, Any]:
        """Take the oldest pending job; return what names its lease."""
        wanted = {"worker": "bench", "slots": 1, "wait_seconds": 5, "version": __version__}
        lease = self.post("/leases", wanted)["leases"][0]
        return {name: lease[name] for name in ("job_id", "attempt", "token")}


@contextmanager
def running_api(data_dir: Path, **settings: str) -> Iterator[LoneApi]:
    """Run an API that knows one integration."""
    prepare(data_dir, settings.get("TRUELINE_DATABASE_URL"))
    environ = {name: value for name, value in os.environ.items() if "TRUELINE" not in name}
    environ |= {"TRUELINE_DATA_DIR": str(data_dir), "TRUELINE_API_PORT": "0", **settings}
    with (data_dir / "api.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "api"],
            cwd=ROOT,
            env=environ,
            stderr=log,
            start_new_session=True,
        )
    try:
        with closing(LoneApi(wait_for_address(process, data_dir / ADDRESS_FILE))) as api:
            yield api
    finally:
        process.terminate()
        process.wait(timeout=30)


def prepare(data_dir: Path, database_url: str | None = None) -> None:
    """Make a database that knows one integration; one that is there keeps what it has."""
    data_dir.mkdir(parents=True, exist_ok=True)
    database = Database(database_url or f"sqlite:///{data_dir / 'trueline.db'}")
    if database_url is not None and _is_prepared(database):  # by another API
        database.close()
        return
    migrate(database)
    now = datetime.now(UTC)
    row = {
        "name": INTEGRATION,
        "title": "Bench",
        "description": "",
        "enabled": True,
        "schema": {"type": "object"},
        "state": "registered",
        "created_at": now,
        "updated_at": now,
    }
    with database.write() as connection:
        connection.execute(integrations.insert().values(row))
    database.close()


def _is_prepared(database: Database) -> bool:
    with database.read() as connection:
        return revision(connection) is not None


def wait_for_address(process: subprocess.Popen[bytes], path: Path) -> str:
    """Return the address that a process writes into a file once it listens."""
    end = time.monotonic() + 30
    while time.monotonic() < end and process.poll() is None:
        if path.exists() and (address := path.read_text("utf-8").strip()):
            return address
        time.sleep(0.02)
    raise RuntimeError("the API did not start")
