"""An API without a worker, for benchmarks that are its worker themselves."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from api.database import Database
from api.listener import ADDRESS_FILE
from api.migrate import migrate
from api.tables import integrations
from utils import __version__

ROOT = Path(__file__).resolve().parent.parent
INTEGRATION = "bench"


class LoneApi:
    """One connection to an API, as a worker has it."""

    def __init__(self, address: str) -> None:
        self.address = address
        parts = urlsplit(address)
        self._connection = HTTPConnection(parts.hostname or "", parts.port)

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def post(self, path: str, body: Any) -> Any:
        """POST JSON; raises RuntimeError for a refusal."""
        headers = {"Content-Type": "application/json"}
        self._connection.request("POST", f"/api/v1{path}", json.dumps(body), headers)
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
    _prepare(data_dir, settings.get("TRUELINE_DATABASE_URL"))
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
        with closing(LoneApi(_address(process, data_dir / ADDRESS_FILE))) as api:
            yield api
    finally:
        process.terminate()
        process.wait(timeout=30)


def _prepare(data_dir: Path, database_url: str | None) -> None:
    data_dir.mkdir(parents=True, exist_ok=True)
    if database_url is not None:  # another API has prepared it
        return
    database = Database(f"sqlite:///{data_dir / 'trueline.db'}")
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


def _address(process: subprocess.Popen[bytes], path: Path) -> str:
    end = time.monotonic() + 30
    while time.monotonic() < end and process.poll() is None:
        if path.exists() and (address := path.read_text("utf-8").strip()):
            return address
        time.sleep(0.02)
    raise RuntimeError("the API did not start")
