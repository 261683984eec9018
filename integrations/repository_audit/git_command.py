"""The hardened git command of an audit: own configuration, no prompts, a deadline each."""

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from integrations.repository_audit.git_failure import git_failure
from utils.errors import SourceError

CONFIG = """\
[safe]
\tdirectory = *
\tbareRepository = explicit
[core]
\thooksPath = /dev/null
\tfsmonitor = false
\tquotePath = false
[credential]
\thelper =
[fetch]
\tunpackLimit = 1
\twriteCommitGraph = false
[gc]
\tauto = 0
[log]
\tmailmap = false
[maintenance]
\tauto = false
[http]
\tlowSpeedLimit = 1000
\tlowSpeedTime = 30
\tfollowRedirects = {redirects}
[protocol]
\tversion = 2
[submodule]
\trecurse = false
[uploadpack]
\tallowFilter = true
\tallowAnySHA1InWant = true
"""
ASKPASS = """\
#!/bin/sh
case "$1" in
  Username*) echo x-access-token ;;
  *) cat "$AUDIT_TOKEN_FILE" ;;
esac
"""
TOKEN_FILE = "token"  # noqa: S105 - a file's name
PROXY = "TRUELINE_PROXY"  # set where jobs reach declared hosts alone, with a command for ssh
PASSED_ON = (
    *("PATH", "SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO"),
    *("http_proxy", "https_proxy", "no_proxy", "all_proxy"),
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", PROXY),
)
SSH_OPTIONS = "-o BatchMode=yes -o StrictHostKeyChecking=yes -o ConnectTimeout=20"
FETCHING = "https:ssh:file"


@dataclass(frozen=True)
class Git:
    """Runs git with nothing of the user's or the system's configuration.

    `run` reaches no other machine; `fetch` may, over https, ssh and file.
    """

    program: str
    environment: Mapping[str, str] = field(repr=False)
    timeout_seconds: float

    def run(self, repository: Path, args: Sequence[str], stdin: bytes = b"") -> bytes:
        """Run git on the bare `repository` and return its output; raises SourceError."""
        return self._output([f"--git-dir={repository}", *args], stdin, transports="")

    def fetch(self, args: Sequence[str]) -> bytes:
        """Run a git command that talks to the audited repository; raises SourceError."""
        return self._output(args, b"", transports=FETCHING)

    def _output(self, args: Sequence[str], stdin: bytes, transports: str) -> bytes:
        process = subprocess.Popen(
            [self.program, *args],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**self.environment, "GIT_ALLOW_PROTOCOL": transports},
            start_new_session=True,
        )
        try:
            output, complaint = process.communicate(stdin, self.timeout_seconds)
        except subprocess.TimeoutExpired:
            _end(process)
            raise SourceError(
                f"git {_command(args)} did not end within {self.timeout_seconds:g} s",
                "check that the repository's host answers, then run the job again",
            ) from None
        except BaseException:
            _end(process)
            raise
        if process.returncode:
            raise git_failure(_command(args), complaint.decode(errors="replace"))
        return output


def prepare_git(
    home: Path, environ: Mapping[str, str], token: str = "", timeout_seconds: float = 150
) -> Git:
    """Write git's configuration, and the token's file, into the new directory `home`.

    `environ` is where PATH, proxies and certificate authorities are taken from. The token reaches
    git through an askpass script alone: never an argument or a variable.
    """
    home.mkdir(mode=0o700)
    # Git would hand the token to whatever host a redirect names.
    config = _written(home / "config", CONFIG.format(redirects="false" if token else "initial"))
    ssh = environ.get("GIT_SSH_COMMAND", "ssh") if environ.get(PROXY) else "ssh"
    environment = {
        "PATH": os.defpath,
        **{name: environ[name] for name in PASSED_ON if environ.get(name)},
        "HOME": str(home),
        "LC_ALL": "C.UTF-8",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_CONFIG_GLOBAL": str(config),
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_SSH_COMMAND": f"{ssh} {SSH_OPTIONS}",
    }
    if token:
        environment["GIT_ASKPASS"] = str(_written(home / "askpass", ASKPASS, mode=0o700))
        environment["AUDIT_TOKEN_FILE"] = str(_written(home / TOKEN_FILE, token))
    return Git(_found_git(environment["PATH"]), environment, timeout_seconds)


def forget_token(home: Path) -> None:
    """Remove the token's file, so that nothing that runs later can read it."""
    (home / TOKEN_FILE).unlink(missing_ok=True)


def _found_git(search_path: str) -> str:
    program = shutil.which("git", path=search_path)
    if program is None:
        raise SourceError(
            f"the worker has no git in {search_path}", "install git on the worker's machine"
        )
    return program


def _command(args: Sequence[str]) -> str:
    return next((arg for arg in args if not arg.startswith("-")), "")


def _written(path: Path, text: str, mode: int = 0o600) -> Path:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    finally:
        process.communicate()
