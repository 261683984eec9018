"""`python -m api` as a process of its own, for tests of what a server does."""

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests import preloaded
from utils.settings import Settings


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


@contextmanager
def servers(
    tmp_path: Path, settings: Settings, starter: Callable[..., preloaded.Started]
) -> Iterator[Callable[..., Served]]:
    """Start servers, each awaited unless `wait` is False; all of them end."""
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
