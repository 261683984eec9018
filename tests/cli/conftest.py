"""A running API and worker over a small source, and the command as a user calls it."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cli.client import Client
from cli.main import main
from cli.stack import Stack
from utils.settings import read_settings

REPOSITORY = Path(__file__).parents[2]
READY_SECONDS = 120

NAP = """\
import time

from utils.base_runner import BaseRunner
from utils.decorators import task


class Runner(BaseRunner):
    pass


@task(name="nap", title="Nap", type="collector")
def nap(self, ctx):
    time.sleep(ctx.config.get("seconds", 0))
    if rows := ctx.config.get("rows"):
        return {"data": {"rows": list(range(rows))}}
    return {"data": {}}


@task(name="well_rested", title="Well rested", type="insight", severity="high", order=600)
def well_rested(self, ctx):
    if ctx.config.get("explode"):
        raise RuntimeError("the alarm did not ring")
    return {"data": {}, "violation": bool(ctx.config.get("tired"))}
"""
ENTRIES = [
    {"name": "hello_world", "title": "Hello world", "hosts": []},
    {
        "name": "nap",
        "title": "Nap",
        "schema": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "seconds": {"type": "number"},
                "rows": {"type": "integer"},
                "tired": {"type": "boolean"},
                "explode": {"type": "boolean"},
                "token": {"type": "string", "format": "password"},
            },
        },
    },
    {"name": "crooked", "title": "Does not load"},
]


@dataclass(frozen=True)
class Ran:
    """What one call of the command left."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


RunCommand = Callable[..., Ran]


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a repository with three integrations: the example, one of one file, a broken one."""
    repository = tmp_path_factory.mktemp("source")
    home = repository / "integrations"
    shutil.copytree(
        REPOSITORY / "integrations" / "hello_world",
        home / "hello_world",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    for name, text in (("nap", NAP), ("crooked", "def oops(:\n")):
        (home / name).mkdir()
        (home / name / "entry.py").write_text(text)
    (repository / "integrations.json").write_text(json.dumps(ENTRIES))
    git = ["git", "-C", str(repository), "-c", "user.name=Ada", "-c", "user.email=ada@example.com"]
    for args in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "first"]):
        subprocess.run([*git, *args], check=True, timeout=60)
    return repository


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Copy a checkout with one integration that has tests and exchanges, and go there."""
    checkout = tmp_path / "checkout"
    shutil.copytree(REPOSITORY / "tests" / "fixtures" / "kit", checkout)
    monkeypatch.chdir(checkout)
    return checkout


@pytest.fixture(scope="session")
def environ(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """Return the variables of a user who has a source and a data directory of their own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TRUELINE_")}
    return {
        **kept,
        "TRUELINE_DATA_DIR": str(tmp_path_factory.mktemp("data")),
        "TRUELINE_SOURCE_URL": source.as_uri(),
        "TRUELINE_API_PORT": "0",
        "NO_COLOR": "1",
    }


@pytest.fixture(scope="package")
def stack(environ: Mapping[str, str]) -> Iterator[Stack]:
    """Run an API and a worker until the last test of this folder; they know the integrations."""
    settings = read_settings(environ, Path.cwd())
    with Stack(settings, environ) as running, Client(running.address) as api:
        api.send("POST", "//init-integrations")
        running.wait_until_ready(READY_SECONDS)
        give_up = time.monotonic() + READY_SECONDS
        while api.get("/integrations/nap")["state"] != "ready":
            assert time.monotonic() < give_up, "the worker's catalogue never came"
            time.sleep(0.02)
        yield running


@pytest.fixture
def trueline(
    environ: Mapping[str, str], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> RunCommand:
    """Call the command in this process, with no API but what the test names."""
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("TRUELINE_API_URL", "http://127.0.0.1:9")

    def run(*arguments: str) -> Ran:
        capfd.readouterr()
        given = dict(os.environ)
        try:
            code = main(list(arguments))
        finally:  # a process of its own may forget its secret variables
            os.environ.update(given)
        said = capfd.readouterr()
        return Ran(code, said.out, said.err)

    return run


@pytest.fixture
def live(trueline: RunCommand, stack: Stack, monkeypatch: pytest.MonkeyPatch) -> RunCommand:
    """Call the command against the running API."""
    monkeypatch.setenv("TRUELINE_API_URL", stack.address)
    return trueline
