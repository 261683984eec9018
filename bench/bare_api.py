"""The least that a POST can cost: gunicorn, Flask, and one row through SQLAlchemy, unchecked."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from flask import Flask, request
from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]  # it has no types
from sqlalchemy import insert

from api.database import Database
from api.tables import deployments
from bench.lone_api import INTEGRATION


class Bare(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """One process, some threads, as the API has them."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        super().__init__()

    def load_config(self) -> None:
        """Set what differs from gunicorn's defaults."""
        options = {"bind": "127.0.0.1:0", "worker_class": "gthread", "threads": 64, "keepalive": 30}
        options |= {"control_socket_disable": True, "when_ready": self._announce}
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """Make the app."""
        return make_app(Database(f"sqlite:///{self._data_dir / 'trueline.db'}"))

    def _announce(self, arbiter: Any) -> None:
        host, port = arbiter.LISTENERS[0].sock.getsockname()
        (self._data_dir / "bare.address").write_text(f"http://{host}:{port}", encoding="utf-8")


def make_app(database: Database) -> Flask:
    """Make an app whose only route stores a deployment as it comes."""
    app = Flask(__name__)

    @app.post("/api/v1/deployments")
    def create() -> tuple[dict[str, Any], int]:
        body = request.get_json()
        now = datetime.now(UTC)
        row = {
            "id": str(uuid4()),
            "name": body["name"],
            "integration": INTEGRATION,
            "config": body["config"],
            "timezone": "UTC",
            "enabled": True,
            "state": "active",
            "created_at": now,
            "updated_at": now,
        }
        with database.write() as connection:
            connection.execute(insert(deployments).values(row))
        return row, 201

    return app


if __name__ == "__main__":
    Bare(Path(sys.argv[1])).run()
