"""What the settings say of the OpenID provider at which people log in, and of this API there."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from api.guard import LOOPBACK_NAMES
from api.people import read_roles
from api.principal import Role
from utils.errors import SettingsError
from utils.settings import Settings


@dataclass(frozen=True)
class Registration:
    """What is agreed with the provider, and how its claims become names and roles."""

    issuer: str
    client_id: str
    secret_file: Path | None
    name_claim: str
    role_claim: str
    roles: Mapping[str, Role]


def registration_of(settings: Settings) -> Registration | None:
    """Return what the settings say; raises SettingsError when they do not fit."""
    if not settings.oidc_issuer:
        return None
    if settings.signing_key_file is None or not settings.oidc_client_id:
        missing = "OIDC_CLIENT_ID" if settings.signing_key_file else "SIGNING_KEY_FILE"
        raise SettingsError(
            f"setting TRUELINE_OIDC_ISSUER needs TRUELINE_{missing}", f"set TRUELINE_{missing}"
        )
    if not is_private(settings.oidc_issuer):
        raise SettingsError(
            f"setting TRUELINE_OIDC_ISSUER: {settings.oidc_issuer!r} is not an https address",
            "give the issuer as its discovery document does, such as https://id.example.com",
        )
    return Registration(
        issuer=settings.oidc_issuer,
        client_id=settings.oidc_client_id,
        secret_file=settings.oidc_client_secret_file,
        name_claim=settings.oidc_name_claim,
        role_claim=settings.oidc_role_claim,
        roles=read_roles(settings.oidc_roles),
    )


def is_private(address: object) -> bool:
    """Whether nobody between here and there can read along."""
    if not isinstance(address, str):
        return False
    parts = urlsplit(address)
    is_local = parts.scheme == "http" and parts.hostname in LOOPBACK_NAMES
    return bool(parts.hostname) and (parts.scheme == "https" or is_local)
