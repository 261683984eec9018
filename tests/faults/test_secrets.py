"""Unique secrets go into every place that holds some, and must come out nowhere."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import subprocess
import sys
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from cryptography.fernet import Fernet

from tests.vault import ROOT, Bao

if TYPE_CHECKING:
    from tests.faults.site import Site

Wait = Callable[..., Any]
CANARIES = Path(__file__).parents[1] / "fixtures" / "canaries"
REPOSITORY = Path(__file__).parents[2]
NEW_LINES = "-----BEGIN-----\ncnry4Qm2Zr8Lt6\ncnry5Bs9Xp1Kv3\n-----END-----"
SECRETS: Mapping[str, str] = {
    "token": "cnry1Zx8Kq3Vn7Rt5Yw2",
    "key of a": 'cnry2/ü"ß+&\\ =%/Hj6',
    "key of b": NEW_LINES,
    "login": "cnry3-Fd5.Gs9~Ml4_Pc0",
    "variable": "cnry6Wd2Nf7Tb4Xz9",
    "file": "cnry7Ru5Ck8Jp1Sq3Dv6",
    "vault": "cnry8Ge4Ya2Lm9Wn7Bh5",
}
OWN = {"source token": "cnry9Oi3Ub6", "vault token": "", "secret key": "", "worker token": ""}
MARKER = 'mrkr1/ä"+&Tq7Wz4'


def traces(secret: str) -> Iterator[bytes]:
    """Yield what shows a secret in a sink, reckoned apart from the code that hides it."""
    data = secret.encode()
    for offset in range(3):
        coded = base64.b64encode(b"\0" * offset + data + b"\0\0\0")
        core = coded[4 if offset else 0 : len(coded) - 8]
        yield from (core, core.translate(bytes.maketrans(b"+/", b"-_")))
    yield from (data, data.hex().encode(), data.hex().upper().encode())
    yield urllib.parse.quote(secret, safe="").encode()
    yield urllib.parse.quote_plus(secret).encode()
    yield from (json.dumps(secret)[1:-1].encode(), json.dumps(data.decode("latin-1")).encode())
    yield json.dumps(json.dumps(secret)[1:-1])[1:-1].encode()
    yield repr(data)[2:-1].encode()
    yield from (line.encode() for line in secret.split("\n") if line.startswith("cnry"))


class Sinks:
    """Everything that something may have leaked into, by its name."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self.found: dict[str, bytes] = {}

    def read_processes(self) -> None:
        for pid in (process.pid for process in self._site._processes):
            with suppress(psutil.NoSuchProcess):
                first = psutil.Process(pid)
                for one in (first, *first.children(recursive=True)):
                    for file in ("cmdline", "environ"):
                        with suppress(OSError):
                            read = Path(f"/proc/{one.pid}/{file}").read_bytes()
                            self.found[f"/proc/{one.pid}/{file}"] = read

    def read_files(self) -> None:
        for home in ("api", "worker", "source"):
            for folder, _, names in os.walk(self._site.path / home):
                for name in names:
                    path = Path(folder, name)
                    with suppress(OSError):
                        if path.is_file():
                            self.found[str(path)] = path.read_bytes()

    def ask_api(self, job_id: str) -> None:
        http = self._site.http
        names = {"job_id": job_id, "deployment": "leaky", "name": "leaky"}
        pages = ["/", f"/jobs/{job_id}", "/violations"]
        paths = [*http.get("/openapi.json").json()["paths"].items()]
        routes = [path.format_map(_Names(names)) for path, ways in paths if "get" in ways]
        for route in (*pages, *(route for route in routes if "?" not in route)):
            self.found[f"GET {route}"] = http.get(route).content
        for task in ("prints", "returns", "is_large", "raises", "names", "trips"):
            route = f"/api/v1/jobs/{job_id}/tasks/{task}"
            for one in (route, f"{route}/data"):
                self.found[f"GET {one}"] = http.get(one).content
        violations = http.get("/api/v1/violations?limit=100").json()["items"]
        self.found["violations"] = json.dumps(violations, ensure_ascii=False).encode()
        self.found["SSE"] = http.get(f"/api/v1/jobs/{job_id}/events").content

    def call_command(self, job_id: str) -> None:
        environ = {"PATH": os.environ["PATH"], "HOME": str(self._site.path)}
        environ["TRUELINE_API_URL"] = f"http://127.0.0.1:{self._site.port}"
        for arguments in (
            ["job", job_id],
            ["job", job_id, "--json"],
            *(["data", job_id, task] for task in ("returns", "is_large", "names")),
            *([name, "--json"] for name in ("jobs", "deployments", "violations", "integrations")),
        ):
            command = [sys.executable, "-m", "cli.main", *arguments]
            end = subprocess.run(
                command, cwd=REPOSITORY, env=environ, capture_output=True, timeout=60, check=False
            )
            self.found[f"trueline {' '.join(arguments)}"] = end.stdout + end.stderr

    def leaks(self, secrets: Mapping[str, str]) -> list[tuple[str, str, bytes]]:
        return [
            (name, sink, content[max(0, at - 60) : at + 60])
            for name, secret in secrets.items()
            for trace in set(traces(secret))
            if len(trace) >= 8
            for sink, content in self.found.items()
            if (at := content.find(trace)) >= 0
        ]


class _Names(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return f"?{name}"


@pytest.fixture
def private(tmp_path: Path) -> Path:
    """Return the folder with what operators keep secret."""
    folder = tmp_path / "private"
    folder.mkdir()
    return folder


def worker_settings(private: Path, bao: Bao, vault_token: str) -> dict[str, str]:
    (private / "allowed.toml").write_text(
        f'leaky = ["env:LEAKY_*", "file:{private}/*", "vault:kv/data/leaky#*"]\n'
    )
    (private / "key").write_text(SECRETS["file"] + "\n")
    (private / "source-token").write_text(OWN["source token"])
    (private / "vault-token").write_text(vault_token)
    return {
        "references_file": str(private / "allowed.toml"),
        "source_token_file": str(private / "source-token"),
        "vault_addr": bao.address,
        "vault_token_file": str(private / "vault-token"),
    }


def leaky_config(private: Path, gate: Path) -> dict[str, Any]:
    return {
        "gate": str(gate),
        "marker": MARKER,
        "token": SECRETS["token"],
        "accounts": [
            {"name": "a", "key": SECRETS["key of a"]},
            {"name": "b", "key": SECRETS["key of b"]},
        ],
        "login": {"user": SECRETS["login"]},
        "from_env": "env:LEAKY_KEY",
        "from_file": f"file:{private}/key",
        "from_vault": "vault:kv/data/leaky#key",
    }


def test_no_secret_comes_out_anywhere(
    site: Site,
    bao: Bao,
    private: Path,
    gate: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bao.put("leaky", key=SECRETS["vault"])
    bao.allow("leaky", "kv/data/leaky")
    own = OWN | {
        "vault token": bao.token("leaky"),
        "secret key": Fernet.generate_key().decode(),
        "worker token": "cnry0Qe7Zu2Ho5",
    }
    site.api.stop()
    site.start_api(secret_key=own["secret key"])
    site.repository.become(CANARIES)
    site.init()
    monkeypatch.setenv("LEAKY_KEY", SECRETS["variable"])
    settings = worker_settings(private, bao, own["vault token"])
    site.start_worker(token=own["worker token"], **settings)
    monkeypatch.delenv("LEAKY_KEY")
    deployment = site.deploy("leaky", **leaky_config(private, gate))
    job_id = site.submit(deployment)
    wait_for_gate(site, job_id)
    sinks = Sinks(site)
    sinks.read_processes()
    sinks.read_files()
    during = Sinks(site)
    during.found = dict(sinks.found)
    assert during.leaks({"marker": MARKER}), "what is searched holds nothing of the job"
    gate.touch()
    assert site.ended(job_id)["status"] == "partial"
    statuses = {name: task["status"] for name, task in site.tasks(job_id).items()}
    failed = {"raises": "failed", "exits": "failed", "trips": "failed"}
    assert statuses == dict.fromkeys(("prints", "returns", "is_large", "names"), "success") | failed
    for read in (sinks.read_files, sinks.read_processes):
        read()
    sinks.ask_api(job_id)
    sinks.call_command(job_id)
    leaks = sinks.leaks({**SECRETS, **own})
    assert [leak for leak in leaks if not _is_the_workers_own(leak)] == []
    for sink in ("SSE", f"trueline data {job_id} is_large", "violations"):
        content = sinks.found[sink]
        assert b"mrkr1" in content, sink
        assert b"***" in content, sink


def _is_the_workers_own(leak: tuple[str, str, bytes]) -> bool:
    """Tell whether a leak is the variable that a reference leads to, where the worker has it."""
    return leak[0] == "variable" and re.fullmatch(r"/proc/\d+/environ", leak[1]) is not None


def wait_for_gate(site: Site, job_id: str) -> None:
    heard = b""
    with site.http.stream("GET", f"/api/v1/jobs/{job_id}/events") as stream:
        for chunk in stream.iter_bytes():
            heard += chunk
            if b"waiting" in heard:
                return
    raise AssertionError(f"the job did not come to its gate: {heard[-2000:]!r}")


def test_changed_secret_is_for_the_next_job_and_the_running_one_keeps_its_own(
    site: Site, bao: Bao, private: Path, gate: Path
) -> None:
    site.repository.become(CANARIES)
    site.init()
    site.start_worker(**worker_settings(private, bao, ROOT))
    config = leaky_config(private, gate) | {
        "from_env": "literal:env:x",
        "from_vault": f"file:{private}/key",
    }
    deployment = site.deploy("leaky", **config)
    first = site.submit(deployment)
    wait_for_gate(site, first)
    path = f"/api/v1/deployments/{deployment}"
    site.http.patch(path, json={"config": config | {"token": "another"}}).raise_for_status()
    (private / "key").write_text("another file")
    gate.touch()
    site.ended(first)
    second = site.submit(deployment)
    site.ended(second)
    found = [site.tasks(job)["prints"]["data"]["version"] for job in (first, second)]
    assert found == [
        hashlib.sha256(one.encode()).hexdigest() for one in (SECRETS["token"], "another")
    ]


def test_job_waits_while_vault_is_away_and_fails_where_it_is_refused(
    site: Site, bao: Bao, private: Path, gate: Path, wait_until: Wait
) -> None:
    gate.touch()
    site.repository.become(CANARIES)
    site.init()
    bao.allow("nothing", "kv/data/nothing")
    site.start_worker(**worker_settings(private, bao, bao.token("nothing")))
    config = leaky_config(private, gate) | {"from_env": "x", "from_file": "y"}
    deployment = site.deploy("leaky", **config)
    refused = site.ended(site.submit(deployment))
    assert refused["status"] == "failed"
    assert 'path "kv/data/leaky"' in refused["error"]["advice"]
    path = f"/api/v1/deployments/{deployment}"
    assert site.http.get(path).json()["state"] == "needs_attention"
    site.http.patch(path, json={"enabled": True}).raise_for_status()
    bao.kill()
    waiting = site.submit(deployment)
    job = wait_until(lambda: it if (it := site.job(waiting))["error"] else None)
    assert job["status"] == "pending"
    assert "does not answer" in job["error"]["reason"]
    assert site.tasks(waiting) == {}
