"""Runs git: in a clean environment, with a hardened configuration and under a deadline."""

import contextlib
import io
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from utils.command import DeadlinePassed, Running, Spec, running
from utils.credentials import Credentials
from utils.files import write_if_changed
from utils.git_errors import GitError, GitFailure, git_error

OUTPUT_LIMIT_BYTES = 64 * 1024 * 1024  # the names of half a million files

# What a network needs; nothing else of the environment reaches git.
PASSED_ON = (
    "PATH",
    *("http_proxy", "https_proxy", "no_proxy", "all_proxy"),
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO"),
)

CONFIGURATION = """\
[core]
    hooksPath = /dev/null
    attributesFile = /dev/null
    excludesFile = /dev/null
    fsmonitor = false
    symlinks = false
[safe]
    bareRepository = explicit
    directory = *
[protocol]
    allow = never
    version = 2
[protocol "https"]
    allow = always
[protocol "ssh"]
    allow = always
[protocol "file"]
    allow = always
[init]
    templateDir =
    defaultBranch = main
[gc]
    auto = 0
[maintenance]
    auto = false
[submodule]
    recurse = false
[fetch]
    recurseSubmodules = false
    writeCommitGraph = false
    unpackLimit = 1
[transfer]
    # Names in trees are checked where files are written; strict checks at this place would refuse
    # sound repositories for the warts of their oldest commits. Hashes are always verified.
    fsckObjects = false
    credentialsInUrl = die
[credential]
    helper =
[http]
    followRedirects = initial
    # An orphan of a killed process ends by itself.
    lowSpeedLimit = 1
    lowSpeedTime = 120
"""


class Git:
    """The git command with a private home, told nothing of the user's environment.

    `environ` is where PATH, proxies and certificate authorities are taken from. Commands run in
    `home` unless told otherwise. Every failure is a GitError that names `about`.
    """

    def __init__(
        self,
        home: Path,
        timeout_seconds: float,
        environ: Mapping[str, str],
        credentials: Credentials | None = None,
    ) -> None:
        self.home = home.resolve()
        self.timeout_seconds = timeout_seconds
        self.credentials = credentials or Credentials()
        self._environ = {name: environ[name] for name in PASSED_ON if environ.get(name)}
        self._environ.setdefault("PATH", os.defpath)

    def run(
        self,
        args: Sequence[str],
        *,
        cwd: Path | None = None,
        input_bytes: bytes = b"",
        about: str = "",
        watch: Callable[[], None] | None = None,
    ) -> bytes:
        """Run `git ARGS` to its end and return its standard output.

        `watch` is called now and then meanwhile, and ends it by raising.
        """
        with self.stream(
            args, cwd=cwd, input_bytes=input_bytes, about=about, watch=watch
        ) as output:
            content = output.read(OUTPUT_LIMIT_BYTES + 1)
            if len(content) > OUTPUT_LIMIT_BYTES:
                raise GitError(
                    GitFailure.TOO_MUCH,
                    about or _named(args),
                    f"git printed more than {OUTPUT_LIMIT_BYTES} bytes",
                )
        return content

    @contextlib.contextmanager
    def stream(
        self,
        args: Sequence[str],
        *,
        cwd: Path | None = None,
        input_bytes: bytes = b"",
        about: str = "",
        watch: Callable[[], None] | None = None,
    ) -> Iterator[io.BufferedIOBase]:
        """Run `git ARGS` and read its standard output; a failure is raised at the block's end."""
        about = about or _named(args)
        argv = [self._program(about), *args]
        environ = self.environment()  # first: it makes the home
        spec = Spec(argv, environ, cwd or self.home, self.timeout_seconds, input_bytes, watch)
        try:
            with running(spec) as command:
                yield command.output
                self._check_end(command, about)
        except DeadlinePassed:
            detail = f"git did not answer within {self.timeout_seconds:g} s and was ended"
            raise GitError(GitFailure.TIMEOUT, about, detail) from None

    def environment(self) -> dict[str, str]:
        """Make the private home and return all variables that git is given."""
        self.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        config = self.home / "gitconfig"
        write_if_changed(config, CONFIGURATION.encode())
        return {
            **self._environ,
            **self.credentials.environment(self.home),
            "HOME": str(self.home),
            "LC_ALL": "C",
            "GIT_ALLOW_PROTOCOL": "file:https:ssh",
            "GIT_ATTR_NOSYSTEM": "1",
            # The data directory may lie in a checkout, whose configuration is not ours to use.
            "GIT_CEILING_DIRECTORIES": str(self.home.parent),
            "GIT_CONFIG_GLOBAL": str(config),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_NO_LAZY_FETCH": "1",
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_TERMINAL_PROMPT": "0",
        }

    def _program(self, about: str) -> str:
        program = shutil.which("git", path=self._environ["PATH"])
        if program is None:
            raise GitError(GitFailure.NO_GIT, about, "the git command was not found")
        return program

    def _check_end(self, command: Running, about: str) -> None:
        code = command.finish()
        if code != 0:
            raise git_error(about, command.stderr, self.credentials.secrets())


def _named(args: Sequence[str]) -> str:
    return "git " + next((word for word in args if not word.startswith("-")), "")
