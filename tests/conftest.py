"""Real children: of a launcher, or of a copy of `utils/` as environments hold it."""

import compileall
import gc
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis.configuration import set_hypothesis_home_dir

from worker.launcher import Launcher

# It keeps what it has read of the source there: each test process would read all of it anew.
set_hypothesis_home_dir(Path(sys.prefix) / ".hypothesis")

pytest.register_assert_rewrite("tests.api.desk", "tests.faults.history", "tests.faults.site")
pytest_plugins = [
    "tests.databases",
    "tests.receiver",
    "tests.remote",
    "tests.scheduling",
    "tests.served_api",
    "tests.vault",
]
REPOSITORY = Path(__file__).parents[1]
AUTHORING = REPOSITORY / "tests" / "fixtures" / "authoring"
PLAIN_ENTRY = """\
from utils.base_runner import BaseRunner


class Runner(BaseRunner):
    pass
"""

Eventually = Callable[[Callable[[], object]], None]
NoMoreThreads = Callable[[], AbstractContextManager[None]]
RunChild = Callable[..., "EndedChild"]
WriteSnapshot = Callable[[Mapping[str, str]], Path]


@dataclass(frozen=True)
class EndedChild:
    """What a child process left behind."""

    events: list[dict[str, Any]]
    stdout: str
    stderr: str
    code: int

    @property
    def kinds(self) -> list[str]:
        return [event["type"] for event in self.events]

    @property
    def planned(self) -> list[str]:
        return [task["name"] for task in self.only("plan")["tasks"]]

    @property
    def results(self) -> dict[str, dict[str, Any]]:
        found = [event["result"] for event in self.events if event["type"] == "task_finished"]
        assert len({result["name"] for result in found}) == len(found)
        return {result["name"]: result for result in found}

    @property
    def error(self) -> dict[str, Any]:
        assert self.kinds == ["broken"], (self.events, self.stderr)
        error: dict[str, Any] = self.events[0]["error"]
        return error

    def only(self, kind: str) -> dict[str, Any]:
        (event,) = [event for event in self.events if event["type"] == kind]
        return event


@pytest.fixture(autouse=True)
def umask_kept() -> Iterator[None]:
    """Fail the test that leaves another umask to those after it in this process."""
    before = os.umask(0o022)
    os.umask(before)
    yield
    after = os.umask(before)
    assert after == before, f"the umask was {before:03o} and is {after:03o} now"


def pytest_configure() -> None:
    """Hear Ctrl-C, in tests and in what they start, also where a shell began all of it with `&`."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish() -> None:
    """Search no more for garbage among the thousands of tests: it costs each of them time."""
    gc.collect()
    gc.freeze()


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name packed bytes by their argument: gzip puts the time into them, ids must not differ."""
    return argname if isinstance(val, bytes) and len(val) > 40 else None


@pytest.fixture(scope="session")
def sdk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy `utils/` as an environment holds it."""
    folder = tmp_path_factory.mktemp("environment") / "sdk"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(REPOSITORY / "utils", folder / "utils", ignore=ignored)
    compileall.compile_dir(folder, quiet=2)
    return folder


@pytest.fixture
def run_child(sdk: Path, tmp_path: Path) -> RunChild:
    """Run `utils/child.py` on an integration of tests/fixtures/authoring or another snapshot."""
    job = tmp_path / "job"
    job.mkdir()

    def run(integration: str, snapshot: Path = AUTHORING, **changes: Any) -> EndedChild:
        spec = {
            "mode": "run",
            "integration": integration,
            "snapshot": str(snapshot),
            "config": {},
            "job_id": "job-1",
            "attempt": 1,
            "source": {"url": "file:///source", "ref": "main", "commit": "c0ffee"},
            "task_timeout_seconds": 60.0,
            "result_limit_bytes": 16 * 1024 * 1024,
            "only": None,
            "spool": str(job / "results.jsonl"),
            "resume": False,
            "done": [],
        } | changes
        child = [sys.executable, "-I", "-X", "utf8", str(sdk / "utils" / "child.py")]
        ended = subprocess.run(
            ["/bin/sh", "-c", 'exec "$0" "$@" 3>&1 1>stdout.txt', *child],
            input=json.dumps(spec).encode(),
            capture_output=True,
            cwd=job,
            timeout=120,
            check=False,
        )
        return EndedChild(
            [json.loads(line) for line in ended.stdout.split(b"\n") if line],
            (job / "stdout.txt").read_text(),
            ended.stderr.decode(),
            ended.returncode,
        )

    return run


@pytest.fixture
def write_snapshot(tmp_path: Path) -> WriteSnapshot:
    """Write files of an integration `sample`, with a plain entry.py, into a snapshot."""

    def write(files: Mapping[str, str]) -> Path:
        snapshot = tmp_path / "snapshot"
        for name, text in ({"entry.py": PLAIN_ENTRY} | dict(files)).items():
            path = snapshot / "integrations" / "sample" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return snapshot

    return write


@pytest.fixture
def no_more_threads() -> NoMoreThreads:
    """Let no thread start meanwhile: there is no stack of the size that each would get."""

    @contextmanager
    def hold() -> Iterator[None]:
        before = threading.stack_size(2**46)
        try:
            yield
        finally:
            threading.stack_size(before)

    return hold


@pytest.fixture
def eventually() -> Eventually:
    """Poll until a condition holds, less and less often; fail after 20 s."""

    def wait(condition: Callable[[], object]) -> None:
        give_up_at = time.monotonic() + 20
        pause = 0.005
        while not condition():
            assert time.monotonic() < give_up_at, "it never came true"
            time.sleep(pause)
            pause = min(2 * pause, 0.05)

    return wait


@pytest.fixture
def launcher() -> Iterator[Launcher]:
    with Launcher.start() as started:
        yield started


@pytest.fixture
def isolated_imports() -> Iterator[None]:
    """Take back what a test that imports an integration in this process leaves in `sys`."""
    path, bytecode = list(sys.path), sys.dont_write_bytecode
    before = _imported_integrations()
    sys.dont_write_bytecode = True
    for name in before:
        del sys.modules[name]
    yield
    for name in _imported_integrations():
        del sys.modules[name]
    sys.modules.update(before)
    sys.path[:] = path
    sys.dont_write_bytecode = bytecode


def _imported_integrations() -> dict[str, Any]:
    return {
        name: module
        for name, module in sys.modules.items()
        if name.partition(".")[0] == "integrations"
    }
