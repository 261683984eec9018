"""Security rows 6 and 7."""

import asyncio
import os
import shlex
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

import asyncssh
import pytest

from utils.credentials import TOKEN_USER, Credentials
from utils.errors import SourceError
from utils.git_errors import GitError, GitFailure
from utils.mirror import Mirror, open_source
from utils.settings import Settings, read_settings
from utils.snapshot import open_snapshots
from utils.source import source_from_settings


@pytest.fixture
def token_file(tmp_path: Path, token: str) -> Path:
    path = tmp_path / "token"
    path.write_text(token + "\n")
    return path


def with_credentials(mirror: Mirror, **changes: object) -> Mirror:
    credentials = replace(mirror.git.credentials, **changes)  # type: ignore[arg-type]  # by name
    mirror.git.credentials = credentials
    return mirror


def test_a_private_https_source_opens_with_a_token_that_no_process_shows(
    tmp_path: Path,
    repository: Path,
    https_url: str,
    https_environ: dict[str, str],
    token_file: Path,
    token: str,
    sightings: list[int],
) -> None:
    settings = read_settings(
        {
            "TRUELINE_SOURCE_URL": f"{https_url}/{repository.name}/.git",
            "TRUELINE_SOURCE_TOKEN_FILE": str(token_file),
        },
        tmp_path,
    )
    mirror = open_source(tmp_path / "data", settings, https_environ)
    snapshot = open_snapshots(mirror, settings).take(mirror.head_commit())
    assert (snapshot.path / "integrations.json").read_text() == "[]"
    assert sightings == []
    holders = [path for path in (tmp_path / "data").rglob("*") if _holds(path, token)]
    assert [path.name for path in holders] == ["login"]
    assert holders[0].stat().st_mode & 0o777 == 0o600


def _holds(path: Path, text: str) -> bool:
    return path.is_file() and text.encode() in path.read_bytes()


def test_a_wrong_token_fails_without_showing_it(
    repository: Path,
    https_url: str,
    https_environ: dict[str, str],
    tmp_path: Path,
    mirror_of: Callable[..., Mirror],
) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("wr0ng/t0ken")
    mirror = mirror_of(f"{https_url}/{repository.name}/.git", environ=https_environ)
    with pytest.raises(GitError) as failed:
        with_credentials(mirror, token_file=wrong).head_commit()
    assert failed.value.failure is GitFailure.AUTHENTICATION
    assert "TRUELINE_SOURCE_TOKEN_FILE" in failed.value.advice
    assert "wr0ng" not in str(failed.value)


def test_a_token_renewed_in_its_file_is_used_at_once(
    repository: Path,
    https_url: str,
    https_environ: dict[str, str],
    token_file: Path,
    token: str,
    mirror_of: Callable[..., Mirror],
) -> None:
    token_file.write_text("expired")
    mirror = mirror_of(f"{https_url}/{repository.name}/.git", environ=https_environ)
    with_credentials(mirror, token_file=token_file)
    with pytest.raises(GitError):
        mirror.head_commit()
    token_file.write_text(token)
    assert len(mirror.head_commit()) == 40


def test_another_host_is_never_told_the_token(
    repository: Path,
    https_url: str,
    https_environ: dict[str, str],
    token_file: Path,
    mirror_of: Callable[..., Mirror],
) -> None:
    mirror = mirror_of(f"{https_url}/redirected/{repository.name}/.git", environ=https_environ)
    with pytest.raises(GitError) as failed:
        with_credentials(mirror, token_file=token_file).head_commit()
    assert failed.value.failure is GitFailure.AUTHENTICATION


def test_askpass_answers_for_its_origin_alone(tmp_path: Path) -> None:
    credentials = Credentials(origin="host:1", username="ada", password="p w$'\"")
    environ = credentials.environment(tmp_path)
    environ["PATH"] = os.environ["PATH"]

    def ask(question: str) -> str:
        done = subprocess.run(
            [environ["GIT_ASKPASS"], question],
            env=environ,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout

    assert ask("Username for 'https://host:1': ") == "ada\n"
    assert ask("Password for 'https://ada@host:1': ") == "p w$'\"\n"
    for other in ("host", "host:12", "evil.host:1", "host:1.evil"):
        assert ask(f"Username for 'https://{other}': ") == ""
        assert ask(f"Password for 'https://ada@{other}': ") == ""
    assert ask("Are you sure you want to continue? host:1") == ""


def test_no_secret_stands_in_the_environment(tmp_path: Path, token_file: Path, token: str) -> None:
    credentials = Credentials(origin="host", token_file=token_file)
    assert token not in str(credentials.environment(tmp_path))
    assert credentials.login() == (TOKEN_USER, token)
    assert token not in repr(credentials)


def test_a_user_name_alone_in_the_url_is_a_token() -> None:
    assert Credentials(origin="host", username="tok").secrets() == ("tok",)
    assert Credentials(origin="host", username="ada", password="pw").secrets() == ("pw",)
    assert Credentials().secrets() == ()


@pytest.mark.parametrize("content", [b"", b"one\ntwo\n", b"\xff", b"a\x1bb"])
def test_an_unusable_token_file_says_what_is_wrong(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "token"
    path.write_bytes(content)
    with pytest.raises(SourceError) as failed:
        Credentials(origin="host", token_file=path).login()
    assert str(path) in failed.value.reason
    assert "TRUELINE_SOURCE_TOKEN_FILE" in failed.value.advice


def test_a_missing_token_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="No such file"):
        Credentials(origin="host", token_file=tmp_path / "none").login()


async def run_git(process: "asyncssh.SSHServerProcess[bytes]") -> None:
    """Run what git asks for over ssh: this one program."""
    program, *arguments = shlex.split(process.command or "")
    assert program == "git-upload-pack"
    pipe = asyncio.subprocess.PIPE
    git = await asyncio.create_subprocess_exec(
        "git", "upload-pack", *arguments, stdin=pipe, stdout=pipe, stderr=pipe
    )
    await process.redirect(git.stdin, git.stdout, git.stderr)
    process.exit(await git.wait())
    await process.wait_closed()


async def serve_ssh(folder: Path, port: Future[int], stop: Future[None]) -> None:
    server = await asyncssh.listen(
        "127.0.0.1",
        0,
        server_host_keys=[str(folder / "host")],
        authorized_client_keys=str(folder / "client.pub"),
        process_factory=run_git,
        encoding=None,
    )
    port.set_result(server.get_port())
    await asyncio.wrap_future(stop)
    server.close()
    await server.wait_closed()


@pytest.fixture
def ssh_server(tmp_path: Path) -> Iterator[tuple[str, Path, Path]]:
    """Serve every repository over ssh: the URL up to its path, a client key, the host's key."""
    folder = tmp_path / "ssh"
    folder.mkdir(mode=0o700)
    for name in ("host", "client"):
        key = asyncssh.generate_private_key("ssh-ed25519")
        key.write_private_key(folder / name)
        key.write_public_key(folder / f"{name}.pub")
        (folder / name).chmod(0o600)
    port, stop = Future[int](), Future[None]()
    thread = threading.Thread(target=lambda: asyncio.run(serve_ssh(folder, port, stop)))
    thread.start()
    yield f"ssh://ada@127.0.0.1:{port.result(20)}", folder / "client", folder / "host.pub"
    stop.set_result(None)
    thread.join(20)


def settings_for_ssh(tmp_path: Path, url: str, key: Path, known_hosts: Path | None) -> Settings:
    environ = {"TRUELINE_SOURCE_URL": url, "TRUELINE_SOURCE_SSH_KEY_FILE": str(key)}
    if known_hosts is not None:
        environ["TRUELINE_SOURCE_KNOWN_HOSTS_FILE"] = str(known_hosts)
    return read_settings(environ, tmp_path)


def test_a_pinned_ssh_host_with_the_given_key_works(
    tmp_path: Path, repository: Path, ssh_server: tuple[str, Path, Path]
) -> None:
    url, key, host = ssh_server
    known = tmp_path / "known hosts 100%"
    port = url.rpartition(":")[2]
    known.write_text(f"[127.0.0.1]:{port} {host.read_text()}")
    settings = settings_for_ssh(tmp_path, f"{url}{repository}", key, known)
    mirror = open_source(tmp_path / "data", settings, os.environ)
    mirror.fetch(mirror.head_commit())
    assert mirror.read_file(mirror.head_commit(), "integrations.json") == b"[]"


def test_an_unknown_ssh_host_key_is_refused(
    tmp_path: Path, repository: Path, ssh_server: tuple[str, Path, Path]
) -> None:
    url, key, _ = ssh_server
    settings = settings_for_ssh(tmp_path, f"{url}{repository}", key, None)
    with pytest.raises(GitError) as failed:
        open_source(tmp_path / "data", settings, os.environ).head_commit()
    assert failed.value.failure is GitFailure.HOST_KEY
    assert "TRUELINE_SOURCE_KNOWN_HOSTS_FILE" in failed.value.advice


def test_a_changed_ssh_host_key_is_refused(
    tmp_path: Path, repository: Path, ssh_server: tuple[str, Path, Path]
) -> None:
    url, key, _ = ssh_server
    known = tmp_path / "known"
    port = url.rpartition(":")[2]
    known.write_text(f"[127.0.0.1]:{port} {key.with_suffix('.pub').read_text()}")
    settings = settings_for_ssh(tmp_path, f"{url}{repository}", key, known)
    with pytest.raises(GitError) as failed:
        open_source(tmp_path / "data", settings, os.environ).head_commit()
    assert failed.value.failure is GitFailure.HOST_KEY


def test_a_wrong_ssh_key_is_an_authentication_failure(
    tmp_path: Path, repository: Path, ssh_server: tuple[str, Path, Path]
) -> None:
    url, key, host = ssh_server
    known = tmp_path / "known"
    port = url.rpartition(":")[2]
    known.write_text(f"[127.0.0.1]:{port} {host.read_text()}")
    settings = settings_for_ssh(tmp_path, f"{url}{repository}", key.with_name("host"), known)
    with pytest.raises(GitError) as failed:
        open_source(tmp_path / "data", settings, os.environ).head_commit()
    assert failed.value.failure is GitFailure.AUTHENTICATION


def test_ssh_reads_no_one_s_configuration(tmp_path: Path, mirror_of: Callable[..., Mirror]) -> None:
    seen = tmp_path / "arguments"
    fake = tmp_path / "bin" / "ssh"
    fake.parent.mkdir()
    fake.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {seen}\nexit 255\n')
    fake.chmod(0o755)
    environ = {"PATH": f"{fake.parent}:{os.environ['PATH']}", "SSH_AUTH_SOCK": "/agent"}
    with pytest.raises(GitError):
        mirror_of("git@host:o/r.git", environ=environ).head_commit()
    arguments = seen.read_text().splitlines()
    assert arguments[:2] == ["-F", "/dev/null"]
    assert {
        "BatchMode=yes",
        "StrictHostKeyChecking=yes",
        "IdentitiesOnly=yes",
        "IdentityAgent=none",
        "IdentityFile=none",
        "GlobalKnownHostsFile=/dev/null",
    } <= {*arguments}


def test_credentials_of_settings_are_kept_by_name(tmp_path: Path) -> None:
    settings = settings_for_ssh(tmp_path, "git@host:r", tmp_path / "key", tmp_path / "known")
    _, credentials = source_from_settings(settings)
    assert credentials.ssh_key_file == tmp_path / "key"
    assert credentials.known_hosts_file == tmp_path / "known"
