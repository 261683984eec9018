"""Which authorities are trusted, and the TLS settings with which servers are asked."""

import ssl
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from httpx2 import create_ssl_context

from utils.errors import IntegrationNotConfigured

OLD_PROTOCOLS = frozenset({"SSLv3", "TLSv1", "TLSv1.1"})
# OpenSSL speaks the old protocols at this level alone.
_ANY_CIPHER = "ALL:@SECLEVEL=0"


@dataclass(frozen=True)
class Trust:
    """Settings of TLS, one for each question."""

    verified: ssl.SSLContext  # what a careful client has
    verified_old: ssl.SSLContext  # the same authorities, over protocols of the past too
    unverified: ssl.SSLContext  # reads the certificate, whatever it is
    outdated: ssl.SSLContext  # TLS 1.0 and 1.1 alone


def read_trust(config: Mapping[str, Any]) -> Trust:
    """Return the settings; raises IntegrationNotConfigured when own authorities are unusable."""
    return Trust(
        verified=_verified(config),
        verified_old=_with_old_protocols(_verified(config)),
        unverified=_unverified(),
        outdated=_outdated(_unverified()),
    )


def _verified(config: Mapping[str, Any]) -> ssl.SSLContext:
    context = create_ssl_context()  # the authorities that `ctx.http` trusts
    if path := config.get("ca_file"):
        _load(context, "ca_file", _text_of(Path(path)))
    if text := config.get("ca_pem"):
        _load(context, "ca_pem", text)
    return context


def _text_of(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, ValueError) as error:
        raise IntegrationNotConfigured(
            f"`ca_file` {path} cannot be read: {error}",
            "name a PEM file that jobs may read (TRUELINE_READABLE_PATHS), or set `ca_pem`",
        ) from error


def _load(context: ssl.SSLContext, name: str, text: str) -> None:
    try:
        context.load_verify_locations(cadata=text)
    except (ssl.SSLError, ValueError) as error:
        raise IntegrationNotConfigured(
            f"`{name}` holds no certificates in PEM: {error}",
            "give the authority's certificate, from BEGIN CERTIFICATE to END CERTIFICATE",
        ) from error


def _unverified() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return _with_old_protocols(context)


def _with_old_protocols(context: ssl.SSLContext) -> ssl.SSLContext:
    context.set_ciphers(_ANY_CIPHER)
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        context.minimum_version = ssl.TLSVersion.TLSv1
    return context


def _outdated(context: ssl.SSLContext) -> ssl.SSLContext:
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    return context
