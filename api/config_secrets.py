"""Seals the secrets of a deployment's config, shows them masked, and opens them for a lease."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.fernet import InvalidToken
from sqlalchemy import Connection

from api.key_records import check_keys, sealing_key
from api.secret_key import Key, Keyring, SecretKeyError
from utils.pointers import json_pointer

MASK = "********"
SEALED = "$sealed"
REFERENCE = "$reference"
OUR_NAMES = (SEALED, REFERENCE)
_Replace = Callable[[Any, str], Any]


@dataclass(frozen=True)
class OpenConfig:
    """A config in clear, and the JSON pointers to its secrets and its references to secrets."""

    config: dict[str, Any] = field(repr=False)
    secrets: tuple[str, ...] = ()
    references: tuple[str, ...] = ()


@dataclass(frozen=True)
class Kept:
    """Stands in a new config where a mask was sent: for the secret stored at this pointer."""

    pointer: str


class SecretBox:
    """Seals and opens with the keys of this process."""

    def __init__(self, keyring: Keyring) -> None:
        self.keyring = keyring

    def seal(self, connection: Connection, opened: OpenConfig, owner: str) -> dict[str, Any]:
        """Return a config as it is stored, for the transaction that stores it.

        What is sealed opens at its place in its owner's config alone.
        """
        key = sealing_key(connection, self.keyring) if opened.secrets else None

        def replace(value: Any, pointer: str) -> Any:
            if pointer in opened.references:
                return {REFERENCE: value}
            if key is not None and pointer in opened.secrets:
                return {SEALED: _sealed(key, [owner, pointer, value])}
            return value

        sealed: dict[str, Any] = _replaced(opened.config, "", replace)
        return sealed

    def open_config(self, owner: str, stored: Mapping[str, Any]) -> OpenConfig:
        """Return a stored config in clear; raises SecretKeyError when a secret cannot be opened."""
        secrets: list[str] = []
        references: list[str] = []

        def replace(value: Any, pointer: str) -> Any:
            if is_sealed(value):
                secrets.append(pointer)
                return self._open(value[SEALED], owner, pointer)
            if is_reference(value):
                references.append(pointer)
                return value[REFERENCE]
            return value

        config = _replaced(dict(stored), "", replace)
        return OpenConfig(config, tuple(secrets), tuple(references))

    def open_kept(self, owner: str, new: Any, stored: Mapping[str, Any]) -> OpenConfig:
        """Return a new config with the stored secrets that it keeps; `secrets` are those."""
        secrets: list[str] = []
        sealed = dict(sealed_values(stored))

        def replace(value: Any, pointer: str) -> Any:
            if not isinstance(value, Kept):
                return value
            secrets.append(pointer)
            return self._open(sealed[value.pointer], owner, value.pointer)

        return OpenConfig(_replaced(new, "", replace), tuple(secrets))

    def resealed(
        self, key: Key, owner: str, stored: Mapping[str, Any]
    ) -> tuple[dict[str, Any], tuple[str, ...]]:
        """Return a stored config sealed with this key, and the secrets that cannot be opened."""
        unreadable: list[str] = []

        def replace(value: Any, pointer: str) -> Any:
            if not is_sealed(value) or key_id_of(value[SEALED]) == key.id:
                return value
            try:
                opened = self._open(value[SEALED], owner, pointer)
            except SecretKeyError:
                unreadable.append(pointer)
                return value
            return {SEALED: _sealed(key, [owner, pointer, opened])}

        return _replaced(dict(stored), "", replace), tuple(unreadable)

    def check(self, connection: Connection) -> None:
        """Raise SecretKeyError when this process lacks a key that stored secrets need."""
        check_keys(connection, self.keyring)

    def _open(self, token: Any, owner: str, pointer: str) -> Any:
        try:
            payload = json.loads(_decrypted(token, self.keyring.known()))
        except (InvalidToken, ValueError, TypeError, AttributeError) as error:
            raise _unreadable(owner, pointer) from error
        match payload:
            case [str(found), str(place), value] if (found, place) == (owner, pointer):
                return value
            case [str(found), value] if found == owner:  # as they were sealed before 0.2
                return value
        raise _unreadable(owner, pointer)


def is_sealed(value: Any) -> bool:
    """Tell whether a value of a stored config is a sealed secret."""
    return isinstance(value, dict) and value.keys() == {SEALED}


def is_reference(value: Any) -> bool:
    """Tell whether a value of a stored config is a reference to a secret."""
    return isinstance(value, dict) and value.keys() == {REFERENCE}


def sealed_values(stored: Any, pointer: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the place of each sealed secret of a stored config, and what stands there."""
    if is_sealed(stored):
        yield pointer, stored[SEALED]
    elif isinstance(stored, Mapping):
        for key, item in stored.items():
            yield from sealed_values(item, pointer + json_pointer([key]))
    elif isinstance(stored, list):
        for index, item in enumerate(stored):
            yield from sealed_values(item, f"{pointer}/{index}")


def key_id_of(token: Any) -> str:
    """Return the id of the key that sealed a value; empty where it does not say."""
    return token.partition(":")[0] if isinstance(token, str) and ":" in token else ""


def masked(config: Any) -> Any:
    """Return a stored config as it may be shown: a reference is no secret."""
    return _replaced(config, "", _shown)


def with_kept_secrets(new: Any, stored: Any, pointer: str = "") -> Any:
    """Return `new` with a Kept for each mask that stands for a secret stored at `pointer`.

    Inside a list, a mask stands for a secret only while the rest of its item is unchanged, and
    while it is plain which of several like items it was: else a secret could move to another one.
    """
    if new == MASK and is_sealed(stored):
        return Kept(pointer)
    if isinstance(new, dict) and isinstance(stored, dict):
        return {
            key: with_kept_secrets(value, stored.get(key), pointer + json_pointer([key]))
            for key, value in new.items()
        }
    if isinstance(new, list) and isinstance(stored, list):
        return _kept_items(new, stored, pointer)
    return new


def _kept_items(new: list[Any], stored: list[Any], pointer: str) -> list[Any]:
    before, now = _places(masked(stored)), _places(new)
    kept = []
    for index, item in enumerate(new):
        alike = before.get(_text(item), [])
        is_plain = len(alike) == 1 or now[_text(item)] == alike
        place = alike[0] if len(alike) == 1 else index
        kept.append(_all_kept(stored[place], f"{pointer}/{place}") if alike and is_plain else item)
    return kept


def _places(items: list[Any]) -> dict[str, list[int]]:
    places: dict[str, list[int]] = {}
    for index, item in enumerate(items):
        places.setdefault(_text(item), []).append(index)
    return places


def _text(item: Any) -> str:
    return json.dumps(item, sort_keys=True)


def _all_kept(stored: Any, pointer: str) -> Any:
    def replace(value: Any, place: str) -> Any:
        return Kept(place) if is_sealed(value) else _shown(value, place)

    return _replaced(stored, pointer, replace)


def _shown(value: Any, _pointer: str) -> Any:
    if is_sealed(value):
        return MASK
    return value[REFERENCE] if is_reference(value) else value


def _replaced(value: Any, pointer: str, replace: _Replace) -> Any:
    replaced = replace(value, pointer)
    if replaced is not value:
        return replaced
    if isinstance(value, dict):
        return {
            key: _replaced(item, pointer + json_pointer([key]), replace)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_replaced(item, f"{pointer}/{index}", replace) for index, item in enumerate(value)]
    return value


def _sealed(key: Key, payload: list[Any]) -> str:
    return f"{key.id}:{key.fernet.encrypt(json.dumps(payload).encode()).decode()}"


def _decrypted(token: str, keys: tuple[Key, ...]) -> bytes:
    key_id = key_id_of(token)
    for key in keys:
        if key_id and key.id != key_id:
            continue
        try:
            return key.fernet.decrypt(token.rpartition(":")[2])
        except InvalidToken:
            continue
    raise InvalidToken


def _unreadable(owner: str, pointer: str) -> SecretKeyError:
    return SecretKeyError(
        f"deployment {owner}: the secret at {pointer} cannot be opened",
        "bring back the key that it was sealed with (see `trueline secrets status`), or set it "
        "again: PATCH the deployment's config with the secret in clear",
    )
