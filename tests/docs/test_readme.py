"""The integration of README.md, copied from the page and run with the commands beside it."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cli.stack import Stack
    from tests.docs.conftest import Block, Shell

PAGE = "README.md"
FOLDER = "integrations/disk_space"


def test_integration_in_five_minutes_runs_and_ships(
    checkout: Path,
    stack: "Stack",
    make_shell: Callable[..., "Shell"],
    read_blocks: Callable[..., "list[Block]"],
) -> None:
    (entry,) = read_blocks(PAGE, "python")
    (manifest,) = read_blocks(PAGE, "json")
    (checkout / FOLDER).mkdir(parents=True)
    (checkout / FOLDER / "entry.py").write_text(entry.text)
    (checkout / "integrations.json").write_text(f"[{manifest.text}]")
    shell = make_shell(checkout, {".venv/bin/": ""}, TRUELINE_API_URL=stack.address)
    _, commands = (block.commands for block in read_blocks(PAGE, "console"))

    for command in commands:
        shell(command)
    shell("trueline run disk_space --set least_percent=0 --fail-on high")
    shell("trueline run disk_space --set least_percent=101 --fail-on high", code=1)
    assert "disk_has_room" in shell("trueline scan disk_space --wait").out
