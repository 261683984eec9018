from __future__ import annotations

import os
import stat
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from integrations.repository_audit.git_command import Git, forget_token, prepare_git
from utils.errors import SourceError

if TYPE_CHECKING:
    from tests.integrations.repository_audit.conftest import Repository

TOKEN = "n0t-a-real-token"


def test_the_token_stands_in_a_private_file_alone(tmp_path: Path) -> None:
    git = prepare_git(tmp_path / "home", os.environ, TOKEN)
    token_file = Path(git.environment["AUDIT_TOKEN_FILE"])
    assert stat.S_IMODE(token_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(token_file.parent.stat().st_mode) == 0o700
    assert TOKEN not in "".join(git.environment.values())
    assert TOKEN not in repr(git)
    forget_token(tmp_path / "home")
    forget_token(tmp_path / "home")
    assert not token_file.exists()


@pytest.mark.parametrize(("token", "followed"), [("", "initial"), (TOKEN, "false")])
def test_a_redirect_never_carries_the_token_to_another_host(
    tmp_path: Path, token: str, followed: str
) -> None:
    git = prepare_git(tmp_path / "home", os.environ, token)
    git.run(tmp_path / "x.git", ["init", "--quiet", "--bare"])
    assert (
        git.run(tmp_path / "x.git", ["config", "http.followRedirects"]).decode().strip() == followed
    )


def test_nothing_of_the_user_s_environment_reaches_git(tmp_path: Path) -> None:
    hostile = {**os.environ, "GIT_SSH_COMMAND": "id", "GIT_DIR": "/x", "HTTPS_PROXY": "http://p"}
    environment = prepare_git(tmp_path / "home", hostile).environment
    assert "BatchMode" in environment["GIT_SSH_COMMAND"]
    assert "GIT_DIR" not in environment
    assert environment["HTTPS_PROXY"] == "http://p"
    assert environment["HOME"] == str(tmp_path / "home")


def test_hooks_and_settings_of_the_audited_repository_do_not_run(
    git: Git, repository: Repository, tmp_path: Path
) -> None:
    repository.commit({"a": "1"})
    marker = tmp_path / "ran"
    for setting in ("core.fsmonitor", "core.sshCommand", "uploadpack.packObjectsHook"):
        repository.git("config", setting, f"touch {marker}")
    hook = repository.path / ".git" / "hooks" / "post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {marker}\n")
    hook.chmod(0o755)
    git.run(tmp_path / "copy.git", ["init", "--quiet", "--bare"])
    git.fetch([f"--git-dir={tmp_path / 'copy.git'}", "fetch", "--quiet", repository.url, "main"])
    assert not marker.exists()


def test_a_command_on_the_copy_reaches_no_other_repository(
    git: Git, repository: Repository
) -> None:
    with pytest.raises(SourceError, match="not allowed"):
        git.run(repository.path / ".git", ["ls-remote", repository.url])


@pytest.mark.parametrize("url", ["ext::id", "http://127.0.0.1:9/x.git"])
def test_other_transports_are_refused_by_git_as_well(git: Git, url: str) -> None:
    with pytest.raises(SourceError, match="not allowed"):
        git.fetch(["ls-remote", url])


def test_a_command_that_hangs_is_ended_with_all_its_helpers(git: Git, tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    slow = tmp_path / "git"
    slow.write_text(f"#!/bin/sh\nsleep 600 &\necho $! > {pid_file}\nwait\n")
    slow.chmod(0o755)
    impatient = replace(git, program=str(slow), timeout_seconds=2)
    with pytest.raises(SourceError, match="git fetch did not end within 2 s"):
        impatient.fetch(["fetch"])
    helper = Path(f"/proc/{pid_file.read_text().strip()}/stat")
    deadline = time.monotonic() + 10
    while _runs(helper):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _runs(stat: Path) -> bool:
    try:
        return stat.read_text().split()[2] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_machine_without_git_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="install git"):
        prepare_git(tmp_path / "home", {"PATH": str(tmp_path)})


def test_ssh_takes_the_way_that_a_job_with_declared_hosts_has(tmp_path: Path) -> None:
    held = {**os.environ, "TRUELINE_PROXY": "http://p", "GIT_SSH_COMMAND": "ssh -o ProxyCommand=x"}
    environment = prepare_git(tmp_path / "home", held).environment
    assert environment["GIT_SSH_COMMAND"].startswith("ssh -o ProxyCommand=x -o BatchMode=yes")
    assert environment["TRUELINE_PROXY"] == "http://p"
