"""How a worker logs in to Vault: by a token, an AppRole or its Kubernetes service account."""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import hvac

from utils.errors import SettingsError
from utils.settings import Settings
from worker.errors import WorkerError

ADVICE = "see the settings TRUELINE_VAULT_ in docs/secrets.md"
SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")
LONGEST_BYTES = 64 * 1024


class LoginFileUnreadable(WorkerError):  # noqa: N818 - reads as the state it reports
    """A file that the worker logs in with cannot be read."""


@dataclass(frozen=True)
class Ticket:
    """A token for Vault and how long it lives; None: for ever."""

    client: hvac.Client
    seconds: float | None


class Login(Protocol):
    """One way to log in."""

    def log_in(self, client: hvac.Client) -> Ticket:
        """Get a token for a client that has none yet; raises what hvac raises."""


@dataclass(frozen=True)
class TokenLogin:
    """A token from a file, renewed each time where it can be."""

    file: Path

    def log_in(self, client: hvac.Client) -> Ticket:
        """Log in; see Login."""
        client.token = _read(self.file)
        found = client.auth.token.lookup_self()["data"]
        if found.get("renewable") and found.get("ttl"):
            return Ticket(client, client.auth.token.renew_self()["auth"]["lease_duration"])
        return Ticket(client, found.get("ttl") or None)


@dataclass(frozen=True)
class AppRoleLogin:
    """A role id and a secret id, which is read from its file each time."""

    role_id: str
    secret_id_file: Path
    mount: str

    def log_in(self, client: hvac.Client) -> Ticket:
        """Log in; see Login."""
        answer = client.auth.approle.login(
            self.role_id, _read(self.secret_id_file), use_token=True, mount_point=self.mount
        )
        return _ticket(client, answer)


@dataclass(frozen=True)
class KubernetesLogin:
    """A role, and the service account's token, which Kubernetes renews in its file."""

    role: str
    jwt_file: Path
    mount: str

    def log_in(self, client: hvac.Client) -> Ticket:
        """Log in; see Login."""
        answer = client.auth.kubernetes.login(
            self.role, _read(self.jwt_file), use_token=True, mount_point=self.mount
        )
        return _ticket(client, answer)


def login_of(settings: Settings) -> Login | None:
    """Return the one way to log in that the settings give, None without Vault's address.

    Raises SettingsError.
    """
    ways: list[Login] = []
    mount = settings.vault_auth_mount
    if settings.vault_token_file:
        ways.append(TokenLogin(settings.vault_token_file))
    if settings.vault_role_id and settings.vault_secret_id_file:
        secret_id_file = settings.vault_secret_id_file
        ways.append(AppRoleLogin(settings.vault_role_id, secret_id_file, mount or "approle"))
    elif settings.vault_role_id or settings.vault_secret_id_file:
        raise SettingsError(
            "of TRUELINE_VAULT_ROLE_ID and TRUELINE_VAULT_SECRET_ID_FILE one is missing",
            "set both, or none",
        )
    if role := settings.vault_kubernetes_role:
        jwt_file = settings.vault_kubernetes_jwt_file or SERVICE_ACCOUNT
        ways.append(KubernetesLogin(role, jwt_file, mount or "kubernetes"))
    if not settings.vault_addr:
        if ways:
            raise SettingsError("TRUELINE_VAULT_ADDR is missing", ADVICE)
        return None
    _check_address(settings.vault_addr)
    if len(ways) != 1:
        raise SettingsError(
            f"there are {len(ways)} ways to log in to Vault, and one is needed",
            "set TRUELINE_VAULT_TOKEN_FILE, or TRUELINE_VAULT_ROLE_ID and "
            "TRUELINE_VAULT_SECRET_ID_FILE, or TRUELINE_VAULT_KUBERNETES_ROLE",
        )
    return ways[0]


def _check_address(address: str) -> None:
    try:
        parts = urlsplit(address)
        usable = parts.scheme == "https" or (
            parts.scheme == "http" and _is_loopback(parts.hostname or "")
        )
        usable = usable and bool(parts.hostname) and parts.username is None and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise SettingsError(
            "setting TRUELINE_VAULT_ADDR is not an address that secrets can come from",
            "give it as https://vault.example.com:8200; http is for this machine alone",
        )


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _read(file: Path) -> str:
    try:
        text = file.read_text("ascii").strip()
    except (OSError, UnicodeError) as error:
        raise LoginFileUnreadable(f"{file} cannot be read", ADVICE) from error
    if not text or len(text) > LONGEST_BYTES or len(text.split()) != 1:
        raise LoginFileUnreadable(f"{file} does not hold one token", ADVICE)
    return text


def _ticket(client: hvac.Client, answer: Mapping[str, Any]) -> Ticket:
    return Ticket(client, answer["auth"].get("lease_duration") or None)
