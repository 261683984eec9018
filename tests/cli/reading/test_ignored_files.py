import subprocess
from pathlib import Path

from cli.reading.ignored_files import ignored_by_git


def test_what_git_ignores_is_told_and_nothing_outside_of_a_repository(tmp_path: Path) -> None:
    paths = ["a/.env", "a/\udcff b.env", "a/kept.yaml"]  # one is no UTF-8
    (tmp_path / ".gitignore").write_text("*.env\n")
    assert ignored_by_git(tmp_path, paths) == set()
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True, timeout=60)
    assert ignored_by_git(tmp_path, paths) == {"a/.env", "a/\udcff b.env"}
    assert ignored_by_git(tmp_path, paths[2:]) == set()
