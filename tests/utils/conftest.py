"""Real repositories and real servers of them, on loopback."""

import base64
import contextlib
import json
import os
import socket
import ssl
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import trustme

from tests.httpd import echoing
from utils.git import Git
from utils.mirror import Mirror
from utils.snapshot import Snapshots
from utils.source import parse_source
from worker.bubblewrap import View
from worker.interpreter_folders import interpreter_folders
from worker.launcher import Command, Exit, Launcher
from worker.sandbox import Sandbox

RunGit = Callable[..., str]
CommitFiles = Callable[[Path, Mapping[str, str | bytes]], str]
TOKEN = "s3cr3t/tok+en"


@pytest.fixture
def httpd() -> Iterator[str]:
    """Run a server that answers with what it was asked."""
    with echoing() as address:
        yield address


@pytest.fixture
def run_git(tmp_path: Path) -> RunGit:
    """Run git as an author would, without the configuration of whoever runs the tests."""
    home = tmp_path / "author"
    home.mkdir()
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "GIT_CONFIG_NOSYSTEM": "1",
        **{f"GIT_{who}_NAME": "Ada" for who in ("AUTHOR", "COMMITTER")},
        **{f"GIT_{who}_EMAIL": "ada@example.com" for who in ("AUTHOR", "COMMITTER")},
    }

    def run(cwd: Path, *args: str, stdin: bytes = b"") -> str:
        command = ["git", "-c", "protocol.file.allow=always", *args]
        done = subprocess.run(
            command, cwd=cwd, env=environ, input=stdin, capture_output=True, check=False, timeout=60
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode().strip()

    return run


@pytest.fixture
def commit_files(run_git: RunGit) -> CommitFiles:
    """Write files into a checkout and return the new commit's id."""

    def commit(repository: Path, files: Mapping[str, str | bytes]) -> str:
        for name, content in files.items():
            path = repository / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        run_git(repository, "add", "--all")
        run_git(repository, "commit", "--quiet", "--allow-empty", "--message", "change")
        return run_git(repository, "rev-parse", "HEAD")

    return commit


@pytest.fixture
def repository(tmp_path: Path, run_git: RunGit, commit_files: CommitFiles) -> Path:
    """A checkout with two integrations on the branch main."""
    path = tmp_path / "repository"
    path.mkdir()
    run_git(path, "init", "--quiet", "--initial-branch=main")
    commit_files(
        path,
        {
            "integrations.json": "[]",
            "integrations/alpha/entry.py": "print('alpha')\n",
            "integrations/beta/entry.py": "print('beta')\n",
        },
    )
    return path


@pytest.fixture
def mirror_of(tmp_path: Path) -> Callable[..., Mirror]:
    """Open the mirror of any URL; the same one for the same name."""

    def open_mirror(
        url: str | Path,
        ref: str = "HEAD",
        name: str = "data",
        environ: Mapping[str, str] = os.environ,
        timeout_seconds: float = 60,
    ) -> Mirror:
        source, credentials = parse_source(str(url), ref)
        git = Git(tmp_path / name / "home", timeout_seconds, environ, credentials)
        return Mirror(git, tmp_path / name / "mirror.git", source)

    return open_mirror


@pytest.fixture
def snapshots_of() -> Callable[..., Snapshots]:
    """Open the snapshots that lie beside a mirror."""

    def open_snapshots(mirror: Mirror, **options: Any) -> Snapshots:
        return Snapshots(mirror, mirror.directory.parent / "snapshots", **options)

    return open_snapshots


@pytest.fixture
def as_checked_out() -> Callable[[Path], dict[str, tuple[str, bytes]]]:
    """Tell what a checkout or a snapshot has: each name's kind and content."""
    return _as_checked_out


def _as_checked_out(directory: Path) -> dict[str, tuple[str, bytes]]:
    found = {}
    for path in directory.rglob("*"):
        name = str(path.relative_to(directory))
        if path.is_symlink():
            found[name] = ("link", os.fsencode(path.readlink()))
        elif path.is_file():
            kind = "program" if path.stat().st_mode & stat.S_IXUSR else "file"
            found[name] = (kind, path.read_bytes())
    return {name: one for name, one in found.items() if name.split("/")[0] != ".git"}


@pytest.fixture
def run_python(tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    """Start a Python process that can import our code, with extra environment variables."""
    root = Path(__file__).parents[2]

    def start(code: str, *args: object, **environ: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", code, *map(str, args)],
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(root), **environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start


@pytest.fixture
def wait_until() -> Callable[[Callable[[], object]], None]:
    """Poll for a condition, with a bound."""

    def wait(condition: Callable[[], object], seconds: float = 20) -> None:
        give_up = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < give_up, "the condition never held"
            time.sleep(0.01)

    return wait


@pytest.fixture
def processes_with() -> Callable[[str], list[int]]:
    """Return the ids of the processes that have a text in their arguments or environment."""
    return _processes_with


def _processes_with(text: str) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        with contextlib.suppress(OSError):
            if any(text.encode() in (entry / part).read_bytes() for part in ("cmdline", "environ")):
                found.append(int(entry.name))
    return found


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def token() -> str:
    """The only password that the https server takes."""
    return TOKEN


@pytest.fixture
def sightings() -> list[int]:
    """Processes in which the https server saw the token while it was asked."""
    return []


@pytest.fixture
def https_environ(tmp_path: Path, authority: trustme.CA) -> dict[str, str]:
    """The environment in which the https server's certificate is trusted."""
    bundle = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(bundle)
    return {"PATH": os.environ["PATH"], "GIT_SSL_CAINFO": str(bundle)}


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """A certificate authority of our own."""
    return trustme.CA()


@pytest.fixture
def https_url(tmp_path: Path, authority: trustme.CA, sightings: list[int]) -> Iterator[str]:
    """A server of every repository in tmp_path, by `git http-backend`, for the token's owner."""
    handler = type("Handler", (_GitHandler,), {"root": tmp_path, "sightings": sightings})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"https://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


class _GitHandler(BaseHTTPRequestHandler):
    """Passes requests on to `git http-backend`."""

    root: Path
    sightings: list[int]
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._serve(b"")

    def do_POST(self) -> None:
        self._serve(self.rfile.read(int(self.headers["Content-Length"])))

    def log_message(self, *args: object) -> None:
        pass

    def _serve(self, body: bytes) -> None:
        if "/redirected/" in self.path:
            host = self.headers["Host"].replace("127.0.0.1", "localhost")
            path = self.path.replace("/redirected/", "/")
            self._answer(302, {"Location": f"https://{host}{path}"})
            return
        given = self.headers.get("Authorization", "")
        if base64.b64decode(given.removeprefix("Basic ")).decode().partition(":")[2] != TOKEN:
            self._answer(401, {"WWW-Authenticate": 'Basic realm="git"'})
            return
        self.sightings.extend(_processes_with(TOKEN))
        path, _, query = self.path.partition("?")
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.root / "author"),
            "GIT_PROJECT_ROOT": str(self.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "safe.directory",
            "GIT_CONFIG_VALUE_0": "*",
        }
        answer = subprocess.run(
            ["git", "http-backend"], input=body, env=environ, capture_output=True, check=False
        ).stdout
        head, _, content = answer.partition(b"\r\n\r\n")
        lines = [line.split(": ", 1) for line in head.decode().split("\r\n")]
        headers = {line[0]: line[1] for line in lines}
        self._answer(int(headers.pop("Status", "200").split()[0]), headers, content)

    def _answer(self, status: int, headers: dict[str, str], content: bytes = b"") -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


GUARDED = """
import ctypes, errno, json, os, select, socket, struct, sys, threading, time
sys.path.append(sys.argv[1])
from utils.confinement import seal
from utils.guard_process import GUARD_FD
seal(GUARD_FD)
arguments = [int(one) for one in sys.argv[2:]]
def tried(act, *given):
    try:
        answer = act(*given)
    except OSError as error:
        return errno.errorcode[error.errno]
    return "done" if answer is None else answer
"""


@pytest.fixture
def run_guarded(launcher: Launcher, tmp_path: Path) -> Callable[..., Any]:
    """Run a script in a sandbox with a guard; return what it prints, which is JSON."""
    sandbox = Sandbox.find()
    python = Path(sys.executable)
    sdk = Path(__file__).parents[2] / "utils"
    place = tmp_path / "place"
    place.mkdir()

    def run(script: str, *arguments: int, ports: Sequence[int] = ()) -> Any:
        view = View((*interpreter_folders(python), sdk), (place,))
        told = (str(sdk.parent), *map(str, arguments))
        argv = (str(python), "-I", "-S", "-c", GUARDED + script, *told)
        inside = sandbox.around(argv, view, place)
        command = Command(inside, {"LANG": "C.UTF-8"}, place, guard={"ports": list(ports)})
        running = launcher.spawn(command)
        try:
            end = running.wait(60)
            os.set_blocking(running.stdout, True)
            os.set_blocking(running.stderr, True)
            assert end == Exit(0, None), os.read(running.stderr, 65536).decode()
            return json.loads(os.read(running.stdout, 65536))
        finally:
            running.close()

    return run


@pytest.fixture
def busy_server() -> Iterator[int]:
    """A TCP server of this machine whose queue is full, so that nobody can connect to it."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        port = int(server.getsockname()[1])
        for _ in range(4):
            client = stack.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(("127.0.0.1", port))
        yield port


@pytest.fixture
def open_server() -> Iterator[int]:
    """A TCP server of this machine that has room in its queue."""
    with socket.create_server(("127.0.0.1", 0), backlog=512) as server:
        yield int(server.getsockname()[1])
