from __future__ import annotations

import http.server
import os
import ssl
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trustme

from integrations.repository_audit.address import Address
from integrations.repository_audit.clone import clone_repository
from integrations.repository_audit.git_command import prepare_git
from utils.errors import SourceError

if TYPE_CHECKING:
    from tests.integrations.repository_audit.conftest import Audit, Repository

TOKEN = "n0t-a-real-token"


def test_the_job_s_own_commit_is_audited_when_nothing_is_configured(
    audit: Callable[..., Audit], repository: Repository
) -> None:
    commit = repository.commit({"first": "1"})
    repository.commit({"second": "2"})
    source = {"url": repository.url, "ref": "main", "commit": commit}
    done = audit({}, source, only=["list_files"])
    data = done.tasks["list_files"]["data"]
    assert data["commit"] == commit
    assert [file["path"] for file in data["files"]] == ["first"]
    assert commit in done.stage_one["logs"][0]


def test_a_repository_that_cannot_be_had_leaves_every_verdict_unknown_with_the_reason(
    audit: Callable[..., Audit], tmp_path: Path
) -> None:
    done = audit({"url": (tmp_path / "nowhere").as_uri()})
    assert done.stage_one["status"] == "failed"
    assert "no repository at the address" in done.stage_one["error"]["reason"]
    assert "correct `url`" in done.stage_one["error"]["advice"]
    assert {task["status"] for task in done.tasks.values()} == {"skipped"}
    assert {task["verdict"] for task in done.tasks.values()} == {None, "unknown"}
    assert done.returncode == 0


def test_the_clone_lies_in_the_job_s_directory_and_the_token_is_gone(
    audit: Callable[..., Audit], repository: Repository, tmp_path_factory: pytest.TempPathFactory
) -> None:
    repository.commit({"a": "1"})
    done = audit({"url": repository.url, "token": TOKEN}, only=["list_files"])
    assert done.tasks["list_files"]["status"] == "success"
    assert TOKEN not in done.text
    jobs = [path for path in tmp_path_factory.getbasetemp().glob("job*/audit-*") if path.is_dir()]
    assert jobs
    assert not [path for job in jobs for path in job.rglob("token")]


class PrivateHost(http.server.BaseHTTPRequestHandler):
    """Asks for a password, notes what it is given, and hides what it has."""

    seen: list[str]
    processes: list[bytes]

    def do_GET(self) -> None:
        given = self.headers.get("Authorization", "")
        self.seen.append(given)
        self.processes.extend(_command_lines())
        self.send_response(404 if given == _basic("x-access-token", TOKEN) else 401)
        self.send_header("WWW-Authenticate", 'Basic realm="x"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Stay quiet."""


def _basic(user: str, password: str) -> str:
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()


def _command_lines() -> list[bytes]:
    lines = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            lines.append((process / "cmdline").read_bytes() + (process / "environ").read_bytes())
        except OSError:
            continue  # it has ended, or is not ours
    return lines


@pytest.fixture
def private_host(tmp_path: Path) -> Iterator[tuple[str, type[PrivateHost]]]:
    handler = type("Handler", (PrivateHost,), {"seen": [], "processes": []})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"https://localhost:{server.server_address[1]}/owner/name.git", handler
    server.shutdown()
    server.server_close()
    thread.join()


def refused(url: str, tmp_path: Path, token: str) -> SourceError:
    environ = {**os.environ, "GIT_SSL_CAINFO": str(tmp_path / "ca.pem"), "no_proxy": "localhost"}
    git = prepare_git(tmp_path / "home", environ, token)
    with pytest.raises(SourceError) as caught:
        clone_repository(git, Address(url, ""), tmp_path)
    return caught.value


def test_the_token_reaches_the_host_and_no_argument_or_variable(
    private_host: tuple[str, type[PrivateHost]], tmp_path: Path
) -> None:
    url, handler = private_host
    error = refused(url, tmp_path, TOKEN)
    assert _basic("x-access-token", TOKEN) in handler.seen
    assert handler.processes
    assert not any(TOKEN.encode() in line for line in handler.processes)
    assert "no repository at the address" in error.reason
    assert TOKEN not in str(error)


@pytest.mark.parametrize("token", ["", "wrong-token"])
def test_a_refusal_says_to_set_the_token(
    private_host: tuple[str, type[PrivateHost]], tmp_path: Path, token: str
) -> None:
    error = refused(private_host[0], tmp_path, token)
    assert "refused access" in error.reason
    assert "`token`" in error.advice
