"""A generated repository with as many files and commits as a team's of some years has."""

import json
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path

INTEGRATIONS = 500
FILES_EACH = 8
COMMITS = 2_000
LINES = 60
_RUN_SECONDS = 300


def write_repository(folder: Path) -> str:
    """Make a bare repository and return its URL."""
    run_git("init", "--quiet", "--bare", "--initial-branch=main", str(folder))
    _import(folder, _history())
    run_git("-C", str(folder), "repack", "-adq")
    return folder.as_uri()


def run_git(*args: str, stdin: bytes = b"") -> bytes:
    """Run git as anybody would and return its standard output."""
    command = ["git", *args]
    done = subprocess.run(
        command, input=stdin, check=True, capture_output=True, timeout=_RUN_SECONDS
    )
    return done.stdout


def change_one(folder: Path, number: int) -> str:
    """Commit a change of one file; return the integration that it belongs to."""
    name = _name(number % INTEGRATIONS)
    change = [(f"integrations/{name}/part_1.py", f"CHANGED = {number}\n")]
    start = b"from refs/heads/main^0\n"
    _import(folder, _commit(COMMITS + number, start, change))
    return name


def _history() -> Iterator[bytes]:
    choose = random.Random(1)  # noqa: S311 - the same files each time
    names = [_name(number) for number in range(INTEGRATIONS)]
    manifest = json.dumps([{"name": name, "title": name} for name in names])
    files = [
        (f"integrations/{name}/{_file(number)}", _text(choose))
        for name in names
        for number in range(FILES_EACH)
    ]
    yield from _commit(0, b"", [("integrations.json", manifest), *files])
    for number in range(1, COMMITS):
        path, _ = choose.choice(files)
        yield from _commit(number, b"", [(path, _text(choose))])


def _commit(number: int, start: bytes, files: list[tuple[str, str]]) -> Iterator[bytes]:
    yield b"commit refs/heads/main\n"
    yield f"committer Bench <bench@example.com> {1_700_000_000 + number} +0000\n".encode()
    yield _data(f"change {number}")
    yield start
    for path, text in files:
        yield f"M 100644 inline {path}\n".encode() + _data(text)


def _data(text: str) -> bytes:
    return f"data {len(text.encode())}\n{text}\n".encode()


def _name(number: int) -> str:
    return f"integration_{number:03}"


def _file(number: int) -> str:
    return f"part_{number}.py" if number else "entry.py"


def _text(choose: random.Random) -> str:
    return "".join(f"VALUE_{line} = {choose.random()!r}\n" for line in range(LINES))


def _import(folder: Path, commands: Iterator[bytes]) -> None:
    run_git("-C", str(folder), "fast-import", "--quiet", stdin=b"".join(commands))
