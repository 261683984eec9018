"""docs/quickstart.md, every command in its order, as a newcomer types them."""

import shlex
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.docs.running import Running

if TYPE_CHECKING:
    from tests.docs.conftest import Block, Shell

REPOSITORY = Path(__file__).parents[2]
PAGE = "docs/quickstart.md"
SITE = "/srv/git/website.git"
# The environment of these tests stands for the one that `make` would install anew.
MAKE = f"make -o .venv/.runtime BIN={shlex.quote(str(Path(sys.executable).parent))}"


@pytest.fixture
def clone(tmp_path: Path, make_shell: Callable[..., "Shell"]) -> Path:
    """Clone this repository, as the page takes for granted."""
    make_shell(tmp_path, {})(f"git clone -q {shlex.quote(str(REPOSITORY))} clone")
    return tmp_path / "clone"


@pytest.fixture
def site(tmp_path: Path, make_shell: Callable[..., "Shell"]) -> Path:
    """Make a repository in which nothing is wrong."""
    directory = tmp_path / "website"
    directory.mkdir()
    (directory / "README.md").write_text("# Website\n\nWhat our shop shows to its visitors.\n")
    (directory / "LICENSE").write_text("You may use this.\n")
    make_shell(directory, {})("git init -q -b main && git add . && git commit -q -m first")
    return directory


@pytest.fixture
def start() -> Iterator[Callable[[str, "Shell"], Running]]:
    """Start commands that a failed test must not leave behind."""
    started: list[Running] = []

    def begin(command: str, shell: "Shell") -> Running:
        started.append(Running(f"exec {command}", shell))
        return started[-1]

    yield begin
    for running in started:
        running.interrupt()


def test_every_command_does_what_the_page_says(
    clone: Path,
    site: Path,
    make_shell: Callable[..., "Shell"],
    read_blocks: Callable[..., "list[Block]"],
    start: Callable[[str, "Shell"], Running],
) -> None:
    demo, up, *rest = (block.commands for block in read_blocks(PAGE, "console"))
    assert (demo, up) == (["make demo"], ["make up"])
    shell = make_shell(clone, {SITE: str(site)})

    said = shell(f"{MAKE} demo").out
    assert "critical" in said
    assert "See more:" in said

    running = start(f"{MAKE} up", make_shell(clone, {}, TRUELINE_READABLE_PATHS=str(site)))
    shell = make_shell(clone, {SITE: str(site)}, TRUELINE_API_URL=running.found)
    ran = {command: shell(command).out for block in rest for command in block}
    assert "this-repository" in ran["trueline deployments"]
    assert "committed_secrets" in ran["trueline violations --severity critical"]
    assert "no open violations" in ran["trueline scan website --fail-on high"]
    assert "s3cret-t0ken" not in shell("trueline deployments --json").out
    assert "stopping" in running.interrupt()
