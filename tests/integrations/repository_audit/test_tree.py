from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from integrations.repository_audit import tree
from integrations.repository_audit.address import Address
from integrations.repository_audit.clone import Clone, clone_repository
from integrations.repository_audit.git_command import Git
from integrations.repository_audit.tree import Kind, read_contents, read_tree

if TYPE_CHECKING:
    import pytest

    from tests.integrations.repository_audit.conftest import Repository


def cloned(git: Git, repository: Repository, tmp_path: Path) -> Clone:
    return clone_repository(git, Address(repository.url, ""), tmp_path)


def test_files_symlinks_and_submodules_are_told_apart(
    git: Git, repository: Repository, tmp_path: Path
) -> None:
    commit = repository.commit(
        {"dir/a.txt": "hello", "logo.PNG": b"\x89PNG", "run.sh": "#!/bin/sh"}
    )
    (repository.path / "link").symlink_to("dir/a.txt")
    (repository.path / "run.sh").chmod(0o755)
    repository.git("update-index", "--add", "--cacheinfo", f"160000,{commit},sub")
    repository.git("add", "link", "run.sh")
    repository.git("commit", "-q", "-m", "more")
    entries = {entry.path: entry for entry in read_tree(cloned(git, repository, tmp_path))}
    kinds = {path: entry.kind for path, entry in entries.items()}
    assert kinds == {
        "dir/a.txt": Kind.FILE,
        "link": Kind.SYMLINK,
        "logo.PNG": Kind.FILE,
        "run.sh": Kind.FILE,
        "sub": Kind.SUBMODULE,
    }
    assert (entries["dir/a.txt"].size_bytes, entries["sub"].size_bytes) == (5, 0)
    assert (entries["run.sh"].mode, entries["dir/a.txt"].mode) == ("100755", "100644")
    assert [path for path, entry in entries.items() if entry.looks_binary] == ["logo.PNG"]


def test_names_that_are_no_text_or_look_like_options_are_kept(
    git: Git, repository: Repository, tmp_path: Path
) -> None:
    names = ["--help", 'quo"te', "new\nline", "ümlaut", "tab\tname"]
    repository.write(dict.fromkeys(names, "x"))
    (repository.path / "latin").mkdir()
    Path(f"{repository.path}/latin/\udce9.txt").write_bytes(b"x")
    repository.commit({})
    paths = {entry.path for entry in read_tree(cloned(git, repository, tmp_path))}
    assert paths == {*names, "latin/\\xe9.txt"}


def test_contents_come_whole_across_batches(
    git: Git, repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tree, "BATCH_BYTES", 10)
    wanted = {"a": b"", "b": b"no newline", "c": b"\n\n\0binary\n", "d": b"x" * 50}
    repository.commit(dict(wanted))
    clone = cloned(git, repository, tmp_path)
    contents = {entry.path: data for entry, data in read_contents(clone, read_tree(clone))}
    assert contents == wanted
