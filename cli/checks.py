"""What `trueline doctor` checks: each check answers, and none raises."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from cli.client import Client
from cli.remote_checks import API, api_checks, webhook_checks, worker_checks
from utils.checks import Check, Checks, Look
from utils.errors import TruelineError
from utils.files import make_data_directory
from utils.mirror import open_source
from utils.settings import Settings
from worker.data_directory import HEARTBEAT_FILE
from worker.installer import find_uv
from worker.isolation import choose_isolation
from worker.loopback import shut_loopback
from worker.secret_references import SecretReferences

LEAST_GIT = (2, 30)
LEAST_FREE_BYTES = 1024**3
GIT_SECONDS = 10
DEADLINE_SECONDS = 30.0  # of each check: a source may be far


def run_checks(settings: Settings, environ: Mapping[str, str]) -> Iterator[Check]:
    """Run every check, in the order in which Trueline needs what it looks at."""
    looks: Mapping[str, Look] = {
        "python": _check_python,
        "git": lambda: _check_git(environ),
        "uv": lambda: _check_uv(environ),
        "isolation": lambda: _check_isolation(settings),
        "data directory": lambda: _check_data_directory(settings),
        "source": lambda: _check_source(settings, environ),
        "secrets": lambda: _check_references(settings, environ),
        "worker": lambda: _check_worker(settings),
    }
    for name, look in looks.items():
        yield from _bounded(name, look)
    yield from _check_api(settings)


def _bounded(name: str, look: Look) -> tuple[Check, ...]:
    checks = Checks(DEADLINE_SECONDS)
    checks.add(name, look)
    return checks.run()


def _check_api(settings: Settings) -> Iterator[Check]:
    """Look at the API, and at what it says of itself and of its workers."""
    said: list[Mapping[str, Any]] = []

    def look() -> str:
        with Client(settings.api_url, settings.bearer_token) as client:
            me = client.get("/me")
            said.append(client.ready())
        version = f", version {said[0]['version']}" if said[0]["version"] else ""
        return f"{settings.api_url}{version}, as {me['name']} ({me['role']})"

    yield from _bounded(API, look)
    if said:
        yield from api_checks(said[0])
        with Client(settings.api_url, settings.bearer_token) as client:
            yield from worker_checks(client)
            yield from webhook_checks(client)


def _check_python() -> str:
    return f"{sys.version.split()[0]} in {sys.prefix}"


def _check_git(environ: Mapping[str, str]) -> str:
    git = shutil.which("git", path=environ.get("PATH"))
    if git is None:
        raise TruelineError("git is not on PATH", "install git")
    said = subprocess.run(
        [git, "--version"], capture_output=True, text=True, timeout=GIT_SECONDS, check=False
    ).stdout.split()
    version = said[2] if len(said) > 2 else "0"
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    if numbers < LEAST_GIT:
        raise TruelineError(f"git is {version}", "install git 2.30 or newer")
    return version


def _check_uv(environ: Mapping[str, str]) -> str:
    uv = find_uv(environ)
    return str(uv) if uv else "not found: virtualenv and pip build the environments, more slowly"


def _check_isolation(settings: Settings) -> str:
    choice = shut_loopback(choose_isolation(settings.isolation), settings)
    choice.check_egress(settings.egress)
    if choice.sandbox is not None:
        said = f"{choice.level}, by {choice.sandbox.bubblewrap}"
        return f"{said}; {choice.missing}" if choice.missing else said
    return f"{choice.level}; {choice.missing}" if choice.missing else str(choice.level)


def _check_data_directory(settings: Settings) -> str:
    directory = settings.data_dir
    make_data_directory(directory)
    if not os.access(directory, os.W_OK):
        raise TruelineError(
            f"{directory} cannot be written to", "give it to this user, or set TRUELINE_DATA_DIR"
        )
    free_bytes = shutil.disk_usage(directory).free
    if free_bytes < LEAST_FREE_BYTES:
        raise TruelineError(
            f"only {free_bytes // 1024**2} MiB are free at {directory}", "make room: 1 GiB or more"
        )
    return f"{directory}, {free_bytes // 1024**3} GiB free"


def _check_source(settings: Settings, environ: Mapping[str, str]) -> str:
    mirror = open_source(settings.data_dir / "source", settings, environ)
    return f"{mirror.source.shown} at {mirror.head_commit()[:10]}"


def _check_references(settings: Settings, environ: Mapping[str, str]) -> str:
    SecretReferences.of(settings, environ).check()
    file = settings.references_file or "no references are allowed"
    return f"{file}; {settings.vault_addr or 'no Vault'}"


def _check_worker(settings: Settings) -> str:
    file = settings.data_dir / HEARTBEAT_FILE
    if not file.exists():
        return f"none runs on {settings.data_dir}: it may run elsewhere"
    said = json.loads(file.read_text(encoding="utf-8"))
    silent = datetime.now(UTC) - datetime.fromisoformat(said["at"])
    if silent > timedelta(seconds=settings.lease_seconds):  # as the API counts it
        raise TruelineError(
            f"the worker {said['worker']} has said nothing for {silent.total_seconds():.0f} s",
            "start one with `trueline up` or `python -m worker`, or read the worker's log",
        )
    warm = said["warm"]
    return (
        f"{said['worker']}, {said['jobs_running']} jobs running, "
        f"{warm['processes']} integrations warm in {warm['memory_bytes'] // 1024**2} MiB, "
        f"commit {(said['commit'] or 'none yet')[:10]}"
    )
