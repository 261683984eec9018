"""The secrets of a source, and how git gets them: by files, never by arguments or environment."""

import shlex
from dataclasses import dataclass, field
from pathlib import Path

from utils.errors import SourceError
from utils.files import write_if_changed

TOKEN_USER = "x-access-token"  # noqa: S105 - hosts take any user name beside a token
ASKPASS = """\
#!/bin/sh
# Answers git's questions for one host from a file that only this user can read.
{ IFS= read -r origin; IFS= read -r username; IFS= read -r password; } < "$TRUELINE_ASKPASS_FILE"
case "$1" in
  *"//$origin': " | *"@$origin': ") ;;
  *) exit 1 ;;
esac
case "$1" in
  Username*) printf '%s\\n' "$username" ;;
  Password*) printf '%s\\n' "$password" ;;
  *) exit 1 ;;
esac
"""


@dataclass(frozen=True)
class Credentials:
    """What opens a private source; `origin` is the only `host[:port]` that is told the secret."""

    origin: str = ""
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    token_file: Path | None = None
    ssh_key_file: Path | None = None
    known_hosts_file: Path | None = None

    def login(self) -> tuple[str, str]:
        """Return user name and password; both are empty when there are none."""
        if self.token_file is not None:
            return self.username or TOKEN_USER, _read_token(self.token_file)
        return self.username, self.password

    def secrets(self) -> tuple[str, ...]:
        """Return what must never be shown."""
        try:
            username, password = self.login()
        except SourceError:
            return ()
        # A user name that stands alone is a token, as in https://TOKEN@host/.
        return (password,) if password else (username,) if username else ()

    def environment(self, home: Path) -> dict[str, str]:
        """Write what git needs into `home` and return the variables that point at it."""
        variables = {"GIT_SSH_COMMAND": self.ssh_command(home), "GIT_SSH_VARIANT": "ssh"}
        username, password = self.login()
        if not (self.origin and (username or password)):
            return variables
        script, secret = home / "askpass", home / "login"
        write_if_changed(script, ASKPASS.encode(), 0o700)
        write_if_changed(secret, f"{self.origin}\n{username}\n{password}\n".encode(), 0o600)
        return variables | {"GIT_ASKPASS": str(script), "TRUELINE_ASKPASS_FILE": str(secret)}

    def ssh_command(self, home: Path) -> str:
        """Return an ssh command that reads no one's configuration and knows only pinned hosts."""
        known = self.known_hosts_file or home / "known_hosts"  # ours is never there: knows none
        options = {
            "BatchMode": "yes",
            "StrictHostKeyChecking": "yes",
            "UserKnownHostsFile": _quoted(known),
            "GlobalKnownHostsFile": "/dev/null",
            "IdentitiesOnly": "yes",
            "IdentityAgent": "none",
            "IdentityFile": _quoted(self.ssh_key_file) if self.ssh_key_file else "none",
            "ForwardAgent": "no",
            "ConnectTimeout": "30",
            "ServerAliveInterval": "15",
            "ServerAliveCountMax": "4",
        }
        words = ["ssh", "-F", "/dev/null"]
        for name, value in options.items():
            words += ["-o", f"{name}={value}"]
        return shlex.join(words)


def _quoted(path: Path) -> str:
    return '"' + str(path).replace("%", "%%") + '"'  # ssh expands % in these options


def _read_token(path: Path) -> str:
    advice = "put the token alone into the file that TRUELINE_SOURCE_TOKEN_FILE names"
    try:
        token = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise SourceError(f"token file {path}: {why}", advice) from error
    if not token or not token.isprintable():
        problem = "has more than one line or control characters" if token else "is empty"
        raise SourceError(f"token file {path}: it {problem}", advice)
    return token
