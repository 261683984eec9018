"""A source repository, an API and a worker as real processes, for benchmarks of the whole way."""

import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cli.client import Client
from cli.stack import Stack
from utils.settings import read_settings

READY_SECONDS = 300.0


@dataclass(frozen=True)
class Scene:
    """What a benchmark measures."""

    api: Client
    source: Path
    data_dir: Path
    pids: Mapping[str, int]  # of the API and the worker

    def environment_python(self) -> Path:
        """Return the interpreter of the only environment there is."""
        (python,) = (self.data_dir / "environments" / "envs").glob("*/bin/python")
        return python


def write_source(
    folder: Path, files: Mapping[str, str], entries: Sequence[Mapping[str, Any]]
) -> None:
    """Commit files and a manifest into a new repository."""
    for name, text in {**files, "integrations.json": json.dumps(entries)}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    git = ["git", "-C", str(folder), "-c", "user.name=bench", "-c", "user.email=bench@example.com"]
    for args in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "bench"]):
        subprocess.run([*git, *args], check=True, timeout=120)


@contextmanager
def running_scene(
    files: Mapping[str, str],
    entries: Sequence[Mapping[str, Any]],
    prepare: Callable[[Path], None] = lambda _: None,
    /,
    **settings: str,
) -> Iterator[Scene]:
    """Run an API and a worker over a source of these files; all of it is removed at the end.

    `prepare` is given the data directory before they start.
    """
    with tempfile.TemporaryDirectory(prefix="trueline-bench-") as root:
        source, data_dir = Path(root, "source"), Path(root, "data")
        write_source(source, files, entries)
        prepare(data_dir)
        environ = {
            **{name: value for name, value in os.environ.items() if "TRUELINE_" not in name},
            "TRUELINE_DATA_DIR": str(data_dir),
            "TRUELINE_SOURCE_URL": source.as_uri(),
            "TRUELINE_API_PORT": "0",
            **settings,
        }
        with Stack(read_settings(environ, source), environ) as stack:
            stack.wait_until_ready(READY_SECONDS)
            with Client(stack.address) as api:
                api.send("POST", "//init-integrations")
                yield Scene(api, source, data_dir, stack.pids)
