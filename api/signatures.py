"""Signatures of webhooks: Standard Webhooks both ways, and what each forge does; pure."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable
from typing import NamedTuple

PREFIX = "whsec_"
SCHEME = "v1"
KEY_BYTES = 32
LEAST_KEY_BYTES, MOST_KEY_BYTES = 24, 64  # as the standard has it


class Signed(NamedTuple):
    """The headers of a message that is signed as Standard Webhooks says."""

    id: str
    timestamp: str
    signatures: str


def new_secret() -> str:
    """Make a signing secret, as receivers are given it."""
    return PREFIX + base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def key_of(secret: str) -> bytes:
    """Return a signing secret's key; raises ValueError for what is no such secret."""
    key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    if not secret.startswith(PREFIX) or not LEAST_KEY_BYTES <= len(key) <= MOST_KEY_BYTES:
        raise ValueError("not a signing secret")
    return key


def signed_headers(message_id: str, at: int, body: bytes, keys: Iterable[bytes]) -> dict[str, str]:
    """Return the headers of Standard Webhooks; several keys sign while one replaces another."""
    signatures = (f"{SCHEME},{_signature(message_id, str(at), body, key)}" for key in keys)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(at),
        "webhook-signature": " ".join(signatures),
    }


def is_signed(message: Signed, body: bytes, key: bytes) -> bool:
    """Tell whether one of the signatures of a message is right; its time is not looked at."""
    wanted = _signature(message.id, message.timestamp, body, key)
    given = (one.partition(",") for one in message.signatures.split(" "))
    return any(scheme == SCHEME and same(value, wanted) for scheme, _, value in given)


def hex_digest(body: bytes, key: bytes) -> str:
    """Return the HMAC-SHA256 of a body, as GitHub and Gitea write it."""
    return hmac.new(key, body, hashlib.sha256).hexdigest()


def same(given: str, wanted: str) -> bool:
    """Compare in a time that does not tell how much is right."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), wanted.encode())


def _signature(message_id: str, at: str, body: bytes, key: bytes) -> str:
    content = f"{message_id}.{at}.".encode("utf-8", "replace") + body
    return base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
