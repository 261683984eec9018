"""What the pages say, run as a reader would: their blocks, a source of one's own, a real stack."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cli.stack import Stack
from tests.docs.prepared import prepared_command
from utils.settings import read_settings

REPOSITORY = Path(__file__).parents[2]
READY_SECONDS = 120
COMMAND_SECONDS = 150
_HEADING = re.compile(r"#+ (.*)")
_PATH = re.compile(r"`([\w/]+\.\w+)`")


@dataclass(frozen=True)
class Block:
    """A fenced block of a page, with the heading above it."""

    language: str
    heading: str
    text: str

    @property
    def file(self) -> str:
        """Name the file that the heading gives."""
        named = _PATH.search(self.heading)
        assert named, f"the heading {self.heading!r} names no file"
        return named[1]

    @property
    def commands(self) -> list[str]:
        """Return what follows each prompt, with its continuation lines."""
        assert self.text.startswith("$ "), self.text
        return [part.strip() for part in re.split(r"^\$ ", self.text, flags=re.MULTILINE)[1:]]


@dataclass(frozen=True)
class Ran:
    """What one command of a page left."""

    command: str
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class Shell:
    """A terminal in one directory; `replacements` are what a reader would type instead."""

    directory: Path
    environ: Mapping[str, str]
    replacements: Mapping[str, str]

    def meant(self, command: str) -> str:
        """Return what is typed for a command of a page."""
        for shown, meant in self.replacements.items():
            command = command.replace(shown, meant)
        return command

    def __call__(self, command: str, code: int = 0) -> Ran:
        command = self.meant(command)
        ended = subprocess.run(
            ["/bin/sh", "-c", command],
            cwd=self.directory,
            env=dict(self.environ),
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        ran = Ran(command, ended.returncode, ended.stdout, ended.stderr)
        assert ran.code == code, ran
        return ran


ReadBlocks = Callable[..., list[Block]]


@pytest.fixture(scope="session")
def read_blocks() -> ReadBlocks:
    """Read the fenced blocks of a page, of all languages or of one."""

    def read(page: str, language: str | None = None) -> list[Block]:
        found = _blocks((REPOSITORY / page).read_text(encoding="utf-8"))
        return [block for block in found if language in {None, block.language}]

    return read


@pytest.fixture(scope="session")
def prepared() -> Iterator[Path]:
    """Return a program that does as `trueline` does."""
    with prepared_command() as command:
        yield command


@pytest.fixture
def environ(tmp_path: Path, prepared: Path) -> Mapping[str, str]:
    """Return the variables of a user with an empty home, who has the command on PATH."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TRUELINE_")}
    home = tmp_path / "home"
    home.mkdir()
    return {
        **kept,
        "HOME": str(home),
        "PATH": f"{prepared.parent}:{Path(sys.executable).parent}:{kept['PATH']}",
        "NO_COLOR": "1",
        "GIT_AUTHOR_NAME": "Ada",
        "GIT_AUTHOR_EMAIL": "ada@example.com",
        "GIT_COMMITTER_NAME": "Ada",
        "GIT_COMMITTER_EMAIL": "ada@example.com",
        "TRUELINE_DATA_DIR": str(tmp_path / "data"),
        "TRUELINE_API_PORT": "0",
    }


@pytest.fixture
def checkout(tmp_path: Path, environ: Mapping[str, str]) -> Path:
    """Make a source that lists nothing yet."""
    directory = tmp_path / "checkout"
    directory.mkdir()
    shell = Shell(directory, environ, {})
    (directory / "integrations.json").write_text("[]\n")
    shell("git init -q -b main && git add . && git commit -q -m first")
    return directory


@pytest.fixture
def stack(checkout: Path, environ: Mapping[str, str]) -> Iterator[Stack]:
    """Run an API and a worker on the checkout."""
    given = {**environ, "TRUELINE_SOURCE_URL": checkout.as_uri()}
    with Stack(read_settings(given, checkout), given) as running:
        running.wait_until_ready(READY_SECONDS)
        yield running


@pytest.fixture
def make_shell(environ: Mapping[str, str]) -> Callable[..., Shell]:
    """Open a terminal: `make_shell(directory, replacements, VARIABLE=value)`."""

    def make(directory: Path, replacements: Mapping[str, str], **variables: str) -> Shell:
        return Shell(directory, {**environ, **variables}, replacements)

    return make


def _blocks(page: str) -> Iterator[Block]:
    heading, language, lines = "", None, list[str]()
    for line in page.splitlines():
        fence = line.startswith("```")
        if language is None and fence:
            language, lines = line.removeprefix("```"), []
        elif fence:
            yield Block(str(language), heading, "\n".join(lines) + "\n")
            language = None
        elif language is not None:
            lines.append(line)
        elif title := _HEADING.fullmatch(line):
            heading = title[1]
