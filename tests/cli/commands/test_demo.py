import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Commit this repository's files, as they are now, into a repository of their own."""
    copy = tmp_path / "checkout"
    listed = subprocess.run(
        ["git", "-C", str(REPOSITORY), "ls-files", "-z", "-co", "--exclude-standard"],
        capture_output=True,
        check=True,
        timeout=60,
    ).stdout
    for name in listed.decode().split("\0"):
        if name and (REPOSITORY / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPOSITORY / name, copy / name)
    git = ["git", "-C", str(copy), "-c", "user.name=Ada", "-c", "user.email=ada@example.com"]
    for args in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "as it is"]):
        subprocess.run([*git, *args], check=True, timeout=60)
    return copy


def demo(checkout: Path, *arguments: str) -> tuple[int, str, str]:
    environ = {name: value for name, value in os.environ.items() if "TRUELINE" not in name}
    home = checkout.parent / "home"
    home.mkdir(exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-m", "cli.main", "demo", *arguments],
        cwd=checkout,
        env={**environ, "HOME": str(home), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def test_the_demo_shows_commit_environments_tasks_and_violations_and_a_second_run_builds_nothing(
    checkout: Path,
) -> None:
    code, out, err = demo(checkout)
    assert code == 0, out + err
    for part in (
        "commit ",
        "environment  hello_world: built in",
        "environment  repository_audit: built in",
        "✓ success  scan_secrets",
        "✗ fail     stock_is_enough",
        "open violations",
        "See more",
    ):
        assert part in out
    code, out, err = demo(checkout, "--json", "--fail-on", "critical")
    found = json.loads(out)["violations"]
    assert code == (1 if any(row["severity"] == "critical" for row in found) else 0)
    assert {row["deployment_name"] for row in found} == {"hello-world", "this-repository"}
    assert "built in" not in err
    assert "there already" in err
