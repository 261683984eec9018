"""Security rows 2, 3 and 5, fault row 26."""

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from utils.credentials import Credentials
from utils.errors import SourceError
from utils.git import Git
from utils.git_errors import GitError, GitFailure
from utils.mirror import Mirror
from utils.snapshot import Snapshots


def planted(folder: Path, name: str, marker: Path) -> Path:
    """Make a program that leaves a marker when it runs."""
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / name
    program.write_text(f"#!/bin/sh\necho {name} >> {marker}\nexit 1\n")
    program.chmod(0o755)
    return program


def test_output_comes_back_and_failures_name_what_it_was_about(tmp_path: Path) -> None:
    git = Git(tmp_path / "home", 60, os.environ)
    assert git.run(["hash-object", "--stdin"], input_bytes=b"x").startswith(b"c1b0730e")
    with pytest.raises(GitError, match=r"^the thing: .*git said: .*unknown-command"):
        git.run(["unknown-command"], about="the thing")


def test_a_missing_git_says_so(tmp_path: Path) -> None:
    git = Git(tmp_path / "home", 60, {"PATH": str(tmp_path)})
    with pytest.raises(GitError) as failed:
        git.run(["version"])
    assert failed.value.failure is GitFailure.NO_GIT


def test_only_what_a_network_needs_is_passed_on(tmp_path: Path) -> None:
    environ = {
        "PATH": os.environ["PATH"],
        "https_proxy": "http://proxy",
        "NO_PROXY": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "GIT_SSH_COMMAND": "x",
        "GIT_CONFIG_COUNT": "1",
        "LD_PRELOAD": "x",
        "SSH_AUTH_SOCK": "x",
    }
    given = Git(tmp_path / "home", 60, environ).environment()
    assert given["https_proxy"] == "http://proxy"
    assert given["NO_PROXY"] == "x"
    assert not {"AWS_SECRET_ACCESS_KEY", "GIT_CONFIG_COUNT", "LD_PRELOAD", "SSH_AUTH_SOCK"} & {
        *given
    }
    assert given["GIT_SSH_COMMAND"] != "x"
    assert given["HOME"] == str(tmp_path / "home")


def test_the_user_s_configuration_is_not_read(
    tmp_path: Path, repository: Path, mirror_of: Callable[..., Mirror]
) -> None:
    marker = tmp_path / "ran"
    program = planted(tmp_path / "bin", "evil", marker)
    home = tmp_path / "user"
    home.mkdir()
    hostile = (
        f"[core]\n sshCommand={program}\n fsmonitor={program}\n hooksPath={program.parent}\n"
        f"[credential]\n helper={program}\n[init]\n templateDir={program.parent}\n"
        f'[url "file:///nowhere"]\n insteadOf={repository.as_uri()}\n'
        f'[remote "origin"]\n uploadpack={program}\n[uploadpack]\n packObjectsHook={program}\n'
    )
    (home / ".gitconfig").write_text(hostile)
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home),
        "GIT_CONFIG_GLOBAL": str(home / ".gitconfig"),
        "GIT_CONFIG_SYSTEM": str(home / ".gitconfig"),
        "GIT_CONFIG_PARAMETERS": f"'core.fsmonitor={program}'",
        "GIT_TEMPLATE_DIR": str(program.parent),
        "GIT_EXEC_PATH": str(program.parent),
    }
    mirror = mirror_of(repository, environ=environ)
    mirror.fetch(mirror.head_commit())
    assert not marker.exists()


def test_the_configuration_of_a_checkout_around_the_data_is_not_read(
    tmp_path: Path, repository: Path, mirror_of: Callable[..., Mirror]
) -> None:
    around = tmp_path / "data" / ".git"
    around.mkdir(parents=True)
    for name in ("objects", "refs"):
        (around / name).mkdir()
    (around / "HEAD").write_text("ref: refs/heads/main\n")
    (around / "config").write_text(f'[url "file:///nowhere"]\n insteadOf={repository.as_uri()}\n')
    assert mirror_of(repository).head_commit()


def test_planted_hooks_and_monitors_of_a_source_do_not_run(
    tmp_path: Path,
    repository: Path,
    run_git: Callable[..., str],
    mirror_of: Callable[..., Mirror],
    snapshots_of: Callable[..., Snapshots],
) -> None:
    marker = tmp_path / "ran"
    hooks = repository / ".git" / "hooks"
    for name in ("post-checkout", "pre-receive", "reference-transaction", "post-upload-pack"):
        planted(hooks, name, marker)
    monitor = planted(tmp_path / "bin", "monitor", marker)
    for key in ("core.fsmonitor", "uploadpack.packObjectsHook", "core.alternateRefsCommand"):
        run_git(repository, "config", key, str(monitor))
    mirror = mirror_of(repository)
    snapshots_of(mirror).take(mirror.head_commit())
    assert not marker.exists()


def test_a_new_mirror_has_no_templates(repository: Path, mirror_of: Callable[..., Mirror]) -> None:
    mirror = mirror_of(repository)
    mirror.fetch(mirror.head_commit())
    assert not (mirror.directory / "hooks").exists()


def test_an_embedded_bare_repository_is_not_taken_for_one(
    tmp_path: Path,
    repository: Path,
    run_git: Callable[..., str],
    commit_files: Callable[..., str],
    mirror_of: Callable[..., Mirror],
    snapshots_of: Callable[..., Snapshots],
) -> None:
    marker = tmp_path / "ran"
    monitor = planted(tmp_path / "bin", "monitor", marker)
    embedded = repository / "integrations" / "alpha" / "bare"
    run_git(repository, "init", "--quiet", "--bare", str(embedded))
    (embedded / "config").write_text(f"[core]\n bare = false\n fsmonitor = {monitor}\n")
    (embedded / "refs" / "keep").write_text("")
    (embedded / "objects" / "keep").write_text("")
    commit = commit_files(repository, {})
    mirror = mirror_of(repository)
    snapshot = snapshots_of(mirror).take(commit)
    inside = snapshot.path / "integrations" / "alpha" / "bare"
    assert (inside / "HEAD").is_file()
    with pytest.raises(SourceError):
        mirror.git.run(["status"], cwd=inside)
    assert not marker.exists()


@pytest.mark.parametrize("ref", ["--upload-pack=touch ran", "--output=ran", "-uevil"])
def test_an_option_as_url_or_ref_never_reaches_git(
    tmp_path: Path, repository: Path, mirror_of: Callable[..., Mirror], ref: str
) -> None:
    with pytest.raises(SourceError):
        mirror_of(repository, ref)
    with pytest.raises(SourceError):
        mirror_of(ref)
    assert not list(tmp_path.rglob("ran"))


def test_transports_that_are_not_allowed_are_refused_by_git_too(tmp_path: Path) -> None:
    git = Git(tmp_path / "home", 60, os.environ)
    for url in ("ext::sh -c true", "git://127.0.0.1/r", "http://127.0.0.1:1/r"):
        with pytest.raises(GitError, match="not allowed"):
            git.run(["ls-remote", "--", url])


def test_a_hanging_host_ends_at_the_deadline_and_so_do_the_helpers(
    silent_port: int,
    mirror_of: Callable[..., Mirror],
    processes_with: Callable[[str], list[int]],
    wait_until: Callable[[Callable[[], object]], None],
) -> None:
    address = f"127.0.0.1:{silent_port}"
    mirror = mirror_of(f"https://{address}/r", timeout_seconds=4)
    failures: list[SourceError] = []

    def ask() -> None:
        try:
            mirror.head_commit()
        except SourceError as error:
            failures.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    wait_until(lambda: len(processes_with(address)) >= 2)  # git and git-remote-https
    thread.join(20)
    assert "did not answer within 4 s" in failures[0].reason
    assert "TRUELINE_SOURCE_TIMEOUT_SECONDS" in failures[0].advice
    wait_until(lambda: processes_with(address) == [])


def test_credentials_are_not_asked_for(tmp_path: Path) -> None:
    environment = Git(tmp_path / "home", 60, {}, Credentials()).environment()
    assert environment["GIT_TERMINAL_PROMPT"] == "0"
    assert "GIT_ASKPASS" not in environment
