"""Seals the secrets of a deployment's config, shows them masked, and opens them for a lease."""

import json
import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.fernet import InvalidToken, MultiFernet

from api.secret_key import SecretKeyError, make_key, read_key
from utils.pointers import json_pointer

MASK = "********"
SEALED = "$sealed"


@dataclass(frozen=True)
class OpenConfig:
    """A config in clear and the JSON pointers to the secrets in it."""

    config: dict[str, Any]
    pointers: tuple[str, ...]


class SecretBox:
    """Seals and opens secrets with the key file, which is made at the first seal."""

    def __init__(self, key_file: Path) -> None:
        self._key_file = key_file
        self._key: MultiFernet | None = None
        self._lock = threading.Lock()

    def seal(
        self, config: Mapping[str, Any], pointers: Collection[str], deployment_id: str
    ) -> dict[str, Any]:
        """Return `config` with the value at each pointer sealed; sealed ones stay as they are."""
        wanted = frozenset(pointers)

        def seal_value(value: Any, pointer: str) -> Any:
            if pointer not in wanted or is_sealed(value):
                return value
            bound = json.dumps([deployment_id, value]).encode()
            return {SEALED: self._sealing_key().encrypt(bound).decode()}

        sealed: dict[str, Any] = _replaced(dict(config), "", seal_value)
        return sealed

    def open_config(self, deployment_id: str, config: Mapping[str, Any]) -> OpenConfig:
        """Return the config in clear; raises SecretKeyError when a secret cannot be opened."""
        pointers: list[str] = []

        def open_value(value: Any, pointer: str) -> Any:
            if not is_sealed(value):
                return value
            pointers.append(pointer)
            return self._open(value[SEALED], deployment_id, pointer)

        return OpenConfig(_replaced(dict(config), "", open_value), tuple(pointers))

    def check(self) -> None:
        """Raise SecretKeyError when there is a key file that cannot be used."""
        if self._key_file.exists():
            read_key(self._key_file)

    def _open(self, token: str, deployment_id: str, pointer: str) -> Any:
        try:
            owner, value = json.loads(self._opening_key().decrypt(token))
        except (InvalidToken, TypeError) as error:
            raise _unreadable(deployment_id, pointer) from error
        if owner != deployment_id:
            raise _unreadable(deployment_id, pointer)
        return value

    def _sealing_key(self) -> MultiFernet:
        if self._key is None:
            make_key(self._key_file)
        return self._opening_key()

    def _opening_key(self) -> MultiFernet:
        with self._lock:
            if self._key is None:
                self._key = read_key(self._key_file)
            return self._key


def is_sealed(value: Any) -> bool:
    """Tell whether a value of a stored config is a sealed secret."""
    return isinstance(value, dict) and value.keys() == {SEALED}


def masked(config: Any) -> Any:
    """Return a stored config as it may be shown."""
    return _replaced(config, "", lambda value, _: MASK if is_sealed(value) else value)


def with_kept_secrets(new: Any, stored: Any) -> Any:
    """Return `new` with each mask replaced by the sealed value that it stands for.

    Inside a list, a mask stands for a secret only while the rest of its item is unchanged: else a
    secret could move to another item when one is removed.
    """
    if new == MASK and is_sealed(stored):
        return stored
    if isinstance(new, dict) and isinstance(stored, dict):
        return {key: with_kept_secrets(value, stored.get(key)) for key, value in new.items()}
    if isinstance(new, list) and isinstance(stored, list):
        return [_kept_item(item, index, stored) for index, item in enumerate(new)]
    return new


def _kept_item(item: Any, index: int, stored: list[Any]) -> Any:
    same = [old for old in stored if masked(old) == item]
    if index < len(stored) and masked(stored[index]) == item:
        return stored[index]
    return same[0] if len(same) == 1 else item


def _replaced(value: Any, pointer: str, replace: Any) -> Any:
    replaced = replace(value, pointer)
    if replaced is not value:
        return replaced
    if isinstance(value, dict) and not is_sealed(value):
        return {
            key: _replaced(item, pointer + json_pointer([key]), replace)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_replaced(item, f"{pointer}/{index}", replace) for index, item in enumerate(value)]
    return value


def _unreadable(deployment_id: str, pointer: str) -> SecretKeyError:
    return SecretKeyError(
        f"deployment {deployment_id}: the secret at {pointer} cannot be opened",
        "set it again: PATCH the deployment's config with the secret in clear",
    )
