"""docs/authoring.md, word for word: its files saved, its commands typed, its output seen."""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.docs.running import Running, Terminal
from tests.docs.test_completeness import read

if TYPE_CHECKING:
    from tests.docs.conftest import Block, Shell

REPOSITORY = Path(__file__).parents[2]
PAGE = "docs/authoring.md"
FILES = ("python", "json")
SEEN_SECONDS = 30
PAGES = 2
FIRST, SECOND, THIRD = "first", "second", "third"
STAY = {  # until Ctrl-C: the terminal that the page names, and what shows that it runs
    "python3 accounts_api.py": (SECOND, "accounts are at"),
    "trueline run accounts --config config.json --watch": (THIRD, "waiting for a change"),
    "trueline up": (THIRD, r"Trueline is at http://\S+"),
}
# The environment of these tests stands for the one that `make` would install anew. `make test` has
# just done that; tests/test_makefile.py looks whether all that is imported is among it.
MAKE = {"make setup": "make -o .venv/.runtime setup"}


class Reader:
    """Somebody who does what the page says, with three terminals."""

    def __init__(self, terminals: Mapping[str, Terminal], stack: ExitStack) -> None:
        self.typed: list[str] = []
        self._terminals = terminals
        self._stack = stack
        self._running: dict[str, Running] = {}
        self._heard: dict[str, int] = {}
        self._out = ""

    def type(self, commands: list[str]) -> None:
        """Type the commands of a block; one that stays is the last of its block."""
        self.typed += commands
        self._heard = {name: len(running.said) for name, running in self._running.items()}
        *before, last = commands
        if last not in STAY:
            self._out = "".join(ran.out + ran.err for ran in self._first.type(commands))
            return
        name, sign = STAY[last]
        if name in self._running:
            self._running.pop(name).interrupt()
        self._out = "".join(ran.out for ran in self._terminals[name].type(before))
        self._heard[name] = 0
        self._running[name] = self._terminals[name].start(last, sign)
        self._stack.callback(self._running[name].interrupt)

    def see(self, lines: str) -> None:
        """Look for the lines of a page in their order, at all terminals."""
        wanted = re.compile(".*?".join(_pattern(line) for line in lines.splitlines()), re.DOTALL)
        end = time.monotonic() + SEEN_SECONDS
        while not wanted.search(_squeezed(self._seen())):
            assert time.monotonic() < end, (lines, self._seen())
            time.sleep(0.05)

    @property
    def _first(self) -> Terminal:
        return self._terminals[FIRST]

    def _seen(self) -> str:
        said = [it.said[self._heard.get(name, 0) :] for name, it in self._running.items()]
        return "\n".join([self._out, *said])


def _pattern(line: str) -> str:
    return r"[^\n]*?".join(re.escape(_squeezed(part)) for part in line.split("..."))


def _squeezed(text: str) -> str:
    """Return text with single spaces: tables are as wide as what is in them."""
    return re.sub(r" +", " ", text)


@pytest.fixture
def ports() -> Mapping[str, str]:
    """Return ports that are free instead of the page's."""
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("", 0)) as other:
        found = [str(server.getsockname()[1]) for server in (one, other)]
    return dict(zip(("8400", "8340"), found, strict=True))


@pytest.fixture
def terminals(
    tmp_path: Path, make_shell: Callable[..., "Shell"], ports: Mapping[str, str], prepared: Path
) -> Mapping[str, Terminal]:
    """Open three at a checkout that is set up, with nothing of it on PATH."""
    checkout, home = tmp_path / "trueline", tmp_path / "watch"
    subprocess.run(["git", "clone", "-q", str(REPOSITORY), str(checkout)], check=True, timeout=60)
    ours = Path(sys.executable).parent
    _link(ours.parent, checkout / ".venv")
    _link(ours, checkout / ".venv" / "bin")
    (checkout / ".venv" / "bin" / "trueline").symlink_to(prepared)
    path = [folder for folder in os.environ["PATH"].split(":") if folder != str(ours)]
    variables = {
        "PATH": ":".join(path),
        "TRUELINE_API_PORT": ports["8340"],
        "TRUELINE_API_URL": f"http://127.0.0.1:{ports['8340']}",
        "TRUELINE_DATA_DIR": "",  # the usual one
    }
    places = {FIRST: checkout, SECOND: home, THIRD: home}
    return {
        name: Terminal(make_shell(folder, {**ports, **MAKE}, **variables))
        for name, folder in places.items()
    }


def _link(there: Path, here: Path) -> None:
    """Make a folder of links to what is in another, but for what is put there instead."""
    here.mkdir()
    for entry in there.iterdir():
        if entry.name not in {"bin", "trueline"}:
            (here / entry.name).symlink_to(entry)


@pytest.mark.timeout(600)  # some forty commands
def test_page_leads_from_nothing_to_a_violation_that_is_resolved(
    tmp_path: Path,
    terminals: Mapping[str, Terminal],
    ports: Mapping[str, str],
    read_blocks: Callable[..., "list[Block]"],
) -> None:
    with ExitStack() as stack:
        reader = Reader(terminals, stack)
        for block in read_blocks(PAGE):
            text = re.sub("|".join(ports), lambda found: ports[found[0]], block.text)
            if block.language in FILES:
                (tmp_path / "watch" / block.file).write_text(text)
            elif block.language == "console":
                reader.type(block.commands)
            elif block.language == "text":
                reader.see(text)
            else:
                assert not re.search(r"^(\$|trueline|git|make) ", text, re.MULTILINE), text
    named = re.findall(r"`((?:trueline|make) [a-z]+)", read(PAGE))
    assert {name for name in named if not any(it.startswith(name) for it in reader.typed)} == set()
    assert "open-sesame" not in _recorded(tmp_path / "watch" / "integrations")


def _recorded(folder: Path) -> str:
    files = list(folder.rglob("exchanges/default/*.json"))
    assert len(files) == PAGES
    return "".join(path.read_text() for path in files)
