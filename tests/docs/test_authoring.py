"""The integration of docs/authoring.md, copied from the page, committed, and run for real."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from cli.stack import Stack
    from tests.docs.conftest import Block, Listener, Shell

PAGE = "docs/authoring.md"
PASSWORD = "hunter-2-hunter"


@pytest.fixture
def written(checkout: Path, read_blocks: Callable[..., "list[Block]"]) -> Path:
    """Write the page's files where its headings say."""
    (manifest,) = read_blocks(PAGE, "json")
    assert manifest.file == "integrations.json"
    (checkout / manifest.file).write_text(manifest.text)
    home = checkout / "integrations" / json.loads(manifest.text)[0]["name"]
    home.mkdir(parents=True)
    (home / "__init__.py").touch()
    for block in read_blocks(PAGE, "python"):
        path = home / block.file
        path.parent.mkdir(exist_ok=True)
        path.write_text(block.text)
    return checkout


def test_files_of_the_page_are_those_of_its_tree(
    written: Path, read_blocks: Callable[..., "list[Block]"]
) -> None:
    tree = read_blocks(PAGE, "")[0].text
    names = {path.name for path in (written / "integrations").rglob("*")}
    assert {line.split()[0].strip("/") for line in tree.splitlines()} == names | {
        "integrations",
        "requirements.txt",
    }


def test_page_is_true_from_the_first_run_to_the_resolved_violation(
    written: Path,
    stack: "Stack",
    listener: "Listener",
    other_listener: "Listener",
    make_shell: Callable[..., "Shell"],
    read_blocks: Callable[..., "list[Block]"],
) -> None:
    ports = {"8000": str(listener.port), "8001": str(other_listener.port)}
    shell = make_shell(written, ports, TRUELINE_API_URL=stack.address)
    try_it, ship_it, allow_it = read_blocks(PAGE, "console")

    export, run = try_it.commands
    assert export.startswith("export TRUELINE_LOOPBACK_PORTS=8000,8001")
    assert f"127.0.0.1:{other_listener.port}" in shell(run).out
    shell(f"{run} --fail-on high", code=1)
    quiet = shell(run.replace("8000, 8001", "8000") + " --fail-on high")
    assert re.search(r"only_allowed_ports +✓ success +✓ pass", quiet.out)

    scan = [shell(command) for command in ship_it.commands][4]
    assert "✗ fail     only_allowed_ports" in scan.out
    assert _open(shell) == {f"127.0.0.1:{port}" for port in ports.values()}
    _check_secret(shell, listener)

    for command in allow_it.commands:
        shell(command)
    assert _open(shell) == set()
    (deployment,) = shell("trueline deployments --json").json
    assert deployment["schedule"] == "every 15m"
    assert PASSWORD.encode() in listener.heard[-1]


def _open(shell: "Shell") -> set[str]:
    rows: list[dict[str, Any]] = shell("trueline violations --json").json
    return {row["resource_id"] for row in rows}


def _check_secret(shell: "Shell", listener: "Listener") -> None:
    """Check that the password was used, and that nobody is told it."""
    assert f"audit {PASSWORD}\n".encode() in listener.heard
    (deployment,) = shell("trueline deployments --json").json
    assert deployment["config"]["password"] == "********"
    (job,) = shell("trueline jobs --json").json
    shown = shell(f"trueline job {job['id']} --json").out
    assert "audit ***" in shown
    assert PASSWORD not in shown
