"""The least that a job can cost: a fork of what has imported the same, a pipe, a durable row."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

_CODE = """\
import gc, os, sqlite3, sys, time
{imports}

rows = sqlite3.connect(sys.argv[1], isolation_level=None)
for pragma in ("journal_mode=WAL", "synchronous=FULL"):
    rows.execute("PRAGMA " + pragma)
rows.execute("CREATE TABLE results (result TEXT)")


def start():
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.write(write, b'{{"answer": 42}}')
        os._exit(0)
    os.close(write)
    return pid, read


def finish(pid, read):
    result = os.read(read, 65536)
    os.close(read)
    os.waitpid(pid, 0)
    rows.execute("INSERT INTO results VALUES (?)", (result.decode(),))


gc.freeze()
for line in sys.stdin:
    count, at_once = map(int, line.split())
    began, running = time.perf_counter(), []
    for _ in range(count):
        running.append(start())
        if len(running) == at_once:
            finish(*running.pop(0))
    for one in running:
        finish(*one)
    print(time.perf_counter() - began, flush=True)
"""


class Yardstick:
    """A process that forks; each answer is in seconds."""

    def __init__(self, orders: IO[str], answers: IO[str]) -> None:
        self._orders = orders
        self._answers = answers

    def seconds(self, count: int = 1, at_once: int = 1) -> float:
        """Run so many forks, so many of them at a time."""
        self._orders.write(f"{count} {at_once}\n")
        self._orders.flush()
        return float(self._answers.readline())


@contextmanager
def running_yardstick(python: Path, imports: str, directory: Path) -> Iterator[Yardstick]:
    """Start a process that has run `imports`; its rows are kept in `directory`."""
    argv = [str(python), "-I", "-c", _CODE.format(imports=imports), str(directory / "yardstick.db")]
    pipe = subprocess.PIPE
    with subprocess.Popen(argv, stdin=pipe, stdout=pipe, text=True) as process:
        if process.stdin and process.stdout:
            yield Yardstick(process.stdin, process.stdout)
