"""The file of signing keys: the first signs, each verifies what names it; private or refused."""

import json
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OctKey
from joserfc.util import urlsafe_b64decode

from utils.errors import TruelineError
from utils.files import write_durably

KEY_BITS = 256
LEAST_KEY_BYTES = 32  # HS256 wants a key of its hash's size
MOST_FILE_BYTES = 64 * 1024
LOOSE = stat.S_IWGRP | stat.S_IRWXO  # a group may read: mounted secrets belong to one


class SigningKeyError(TruelineError):
    """The file of signing keys cannot be made or used."""


@dataclass(frozen=True)
class SigningKeys:
    """What signs and verifies tokens."""

    known: KeySet = field(repr=False)

    @property
    def first(self) -> OctKey:
        """The key that signs."""
        key = self.known.keys[0]
        assert isinstance(key, OctKey)  # noqa: S101 - `_imported` lets no other in
        return key


def read_signing_keys(path: Path) -> SigningKeys:
    """Read the keys; raises SigningKeyError for a file that others can read or write, too."""
    try:
        with path.open("rb") as file:
            _check_private(path, os.fstat(file.fileno()).st_mode)
            content = file.read(MOST_FILE_BYTES + 1)
        return SigningKeys(KeySet([_imported(key) for key in _listed(content)]))
    except OSError as error:
        raise SigningKeyError(
            f"TRUELINE_SIGNING_KEY_FILE: {path} cannot be read: {error.strerror}",
            f"correct the path, or make one with `trueline token key {path}`",
        ) from error
    except (ValueError, TypeError, KeyError, AttributeError, JoseError) as error:
        raise SigningKeyError(
            f"TRUELINE_SIGNING_KEY_FILE: {path} holds no signing keys",
            "restore it from a backup, or remove it and make one with `trueline token key "
            f"{path}`; tokens that were issued before are refused then",
        ) from error


def make_signing_key(path: Path) -> str:
    """Make a file with one key and return the key's id; an existing file is left alone."""
    if path.exists():
        raise SigningKeyError(
            f"{path} exists already", "choose another path, or add a key to it with --rotate"
        )
    return _write(path, [_new_key()])


def rotate_signing_key(path: Path) -> str:
    """Put a new key in front; the others go on verifying. Returns the new key's id."""
    return _write(path, [_new_key(), *_exported(read_signing_keys(path))])


def retire_signing_keys(path: Path) -> int:
    """Remove all keys but the first; returns how many went."""
    keys = _exported(read_signing_keys(path))
    _write(path, keys[:1])
    return len(keys) - 1


def _check_private(path: Path, mode: int) -> None:
    if mode & LOOSE:
        raise SigningKeyError(
            f"TRUELINE_SIGNING_KEY_FILE: {path} has mode {stat.S_IMODE(mode):04o}: others can read "
            "or write it, and who has the key can make any token",
            f"chmod 600 {path}; if others may have read it, make a new one",
        )


def _listed(content: bytes) -> list[dict[str, Any]]:
    if len(content) > MOST_FILE_BYTES:
        raise ValueError("too long")
    keys: list[dict[str, Any]] = json.loads(content)["keys"]
    if not keys or len({key["kid"] for key in keys}) < len(keys):
        raise ValueError("no key, or two of one name")
    return keys


def _imported(key: dict[str, Any]) -> OctKey:
    if key["kty"] != OctKey.key_type or not isinstance(key["kid"], str):
        raise ValueError("not a symmetric key with a name")
    if len(urlsafe_b64decode(key["k"].encode())) < LEAST_KEY_BYTES:
        raise ValueError("the key is too short")
    return OctKey.import_key(key)


def _new_key() -> dict[str, Any]:
    return dict(OctKey.generate_key(KEY_BITS, {"kid": uuid4().hex[:12]}).as_dict(private=True))


def _exported(keys: SigningKeys) -> list[dict[str, Any]]:
    return [dict(key.as_dict(private=True)) for key in keys.known.keys]


def _write(path: Path, keys: list[dict[str, Any]]) -> str:
    content = json.dumps({"keys": keys}, indent=2) + "\n"
    try:
        write_durably(path, content.encode(), 0o600)
    except OSError as error:
        raise SigningKeyError(
            f"{path} cannot be written: {error.strerror}", "choose a place that you may write to"
        ) from error
    return str(keys[0]["kid"])
