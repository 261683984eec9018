"""A real OpenBao in its development mode, and what Kubernetes would answer it."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx2
import pytest

ROOT = "root-of-tests"
BAO = Path(sys.executable).parent / "bao"


@dataclass
class Bao:
    """One server; `kv` is an engine of version 2, `old` one of version 1."""

    port: int
    home: Path
    process: "subprocess.Popen[bytes] | None" = None
    http: httpx2.Client = field(init=False)

    def __post_init__(self) -> None:
        self.http = httpx2.Client(
            base_url=f"{self.address}/v1", headers={"X-Vault-Token": ROOT}, trust_env=False
        )

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it empty, with its engines, and wait until it serves."""
        log = (self.home / "bao.log").open("ab")
        with log:
            self.process = subprocess.Popen(
                [
                    str(BAO),
                    "server",
                    "-dev",
                    "-dev-no-store-token",
                    f"-dev-root-token-id={ROOT}",
                    f"-dev-listen-address=127.0.0.1:{self.port}",
                ],
                env={"PATH": os.environ["PATH"], "HOME": str(self.home)},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        end = time.monotonic() + 60
        while not self._is_up():
            assert self.process.poll() is None, (self.home / "bao.log").read_text()[-2000:]
            assert time.monotonic() < end, "OpenBao did not start"
            time.sleep(0.05)
        self.write("sys/mounts/kv", {"type": "kv", "options": {"version": "2"}})
        self.write("sys/mounts/old", {"type": "kv", "options": {"version": "1"}})

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(30)

    def write(self, path: str, body: dict[str, Any]) -> Any:
        answer = self.http.post(f"/{path}", json=body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def put(self, name: str, **fields: Any) -> None:
        """Store a secret in both engines."""
        self.write(f"kv/data/{name}", {"data": fields})
        self.write(f"old/{name}", fields)

    def allow(self, name: str, *paths: str) -> None:
        """Make a policy that lets these paths be read."""
        rules = "\n".join(f'path "{path}" {{ capabilities = ["read"] }}' for path in paths)
        self.write(f"sys/policies/acl/{name}", {"policy": rules})

    def token(self, *policies: str, **options: Any) -> str:
        body = {"policies": list(policies)} | options
        return str(self.write("auth/token/create", body)["auth"]["client_token"])

    def _is_up(self) -> bool:
        with contextlib.suppress(httpx2.TransportError):
            return self.http.get("/sys/health").status_code == 200
        return False


@pytest.fixture(scope="module")
def bao_server() -> Iterator[Bao]:
    with tempfile.TemporaryDirectory(prefix="bao-") as home, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
        free.close()
        bao = Bao(port, Path(home))
        try:
            bao.start()
            yield bao
        finally:
            bao.kill()
            bao.http.close()


@pytest.fixture
def bao(bao_server: Bao) -> Bao:
    """A server that runs and is not sealed, whatever the test before has done to it."""
    if bao_server.http.get("/sys/health").status_code != 200:
        bao_server.kill()
        bao_server.start()
    return bao_server


@pytest.fixture
def token_review() -> Iterator[str]:
    """Play the one route of Kubernetes that a log-in needs: whose is this token?"""

    class Review(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            good = asked["spec"]["token"].endswith(".good")
            user = {"username": "system:serviceaccount:ops:worker", "uid": "u1", "groups": []}
            status = {"authenticated": True, "user": user} if good else {"authenticated": False}
            body = json.dumps(asked | {"status": status}).encode()
            self.send_response(201)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Review)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()
