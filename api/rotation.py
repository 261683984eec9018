"""Replaces the key of the stored secrets, while the API runs; goes on where it was interrupted."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Connection, select, update

from api.config_secrets import SecretBox, key_id_of, sealed_values
from api.database import Database
from api.key_records import check_keys, drop_keys, keys_on_record, record_key
from api.secret_key import IN_ENVIRONMENT, Key, Keyring, SecretKeyError, new_key
from api.tables import deployments
from api.webhook_tables import sealed_for, webhooks
from utils.locks import LockTaken, held_lock


@dataclass(frozen=True)
class SealedColumn:
    """Where sealed values are: each row's id, its name for people, and what holds them."""

    id: Column[Any]
    name: Column[Any]
    stored: Column[Any]
    owner: Callable[[str], str] = str  # what the values of the row with an id are bound to


SEALED_COLUMNS: Sequence[SealedColumn] = (
    SealedColumn(deployments.c.id, deployments.c.name, deployments.c.config),
    SealedColumn(webhooks.c.id, webhooks.c.name, webhooks.c.sealed, sealed_for),
)
BATCH_ROWS = 100
LOCK_SECONDS = 5.0
MOST_PASSES = 20


@dataclass(frozen=True)
class Rotation:
    """What a rotation did."""

    key_id: str
    resealed: int  # deployments and webhooks
    dropped: tuple[str, ...]  # ids of keys that nothing needs any more
    resumed: bool


@dataclass(frozen=True)
class KeyUse:
    """One key: whether this process has it, whether it may seal, and how much it has sealed."""

    id: str
    available: bool
    on_record: bool
    sealed_values: int


class _StillNeededError(Exception):
    """Something is sealed with an old key."""


def key_uses(connection: Connection, keyring: Keyring) -> tuple[KeyUse, ...]:
    """Return every key that is there or is needed, this process's first; id "": it says none."""
    available = [key.id for key in _available(keyring)]
    recorded = keys_on_record(connection)
    used = _used(connection)
    others = sorted({*recorded, *used} - {*available})
    return tuple(
        KeyUse(one, one in available, one in recorded, used[one]) for one in (*available, *others)
    )


def rotate(database: Database, keyring: Keyring) -> Rotation:
    """Seal everything with a new key and drop the old ones; raises SecretKeyError."""
    if keyring.file is None:
        return _rotate(database, keyring)
    try:
        with held_lock(keyring.file.with_name(f"{keyring.file.name}.lock"), LOCK_SECONDS):
            return _rotate(database, keyring)
    except LockTaken as error:
        raise SecretKeyError("another rotation is under way", "wait for its end") from error


def forget(database: Database, keyring: Keyring, key_id: str) -> None:
    """Give up a key that is lost for good, so that secrets can be set anew."""
    if key_id in {key.id for key in _available(keyring)}:
        raise SecretKeyError(
            f"key {key_id} is not lost: it is in {keyring.where}",
            "`trueline secrets rotate` drops a key once nothing needs it",
        )
    with database.write() as connection:
        recorded = keys_on_record(connection)
        if key_id not in recorded:
            raise SecretKeyError(
                f"no key {key_id} is on record", "`trueline secrets status` lists them"
            )
        drop_keys(connection, recorded - {key_id})


def _rotate(database: Database, keyring: Keyring) -> Rotation:
    keys = keyring.read()
    with database.read() as connection:
        check_keys(connection, keyring)
    resumed = len(keys) > 1
    if not resumed:
        keys = _with_new_key(keyring, keys)
    newest = keys[0]
    with database.write() as connection:
        record_key(connection, newest.id)  # from now on it seals, in every process that has it
    resealed = _reseal_and_drop(database, keyring, newest)
    if keyring.file is not None:
        keyring.replace((newest,))
    return Rotation(newest.id, resealed, tuple(key.id for key in keys[1:]), resumed)


def _with_new_key(keyring: Keyring, keys: tuple[Key, ...]) -> tuple[Key, ...]:
    if keyring.file is None:
        raise SecretKeyError(
            f"{IN_ENVIRONMENT} holds one key, and rotation needs a new one before it",
            f"set {IN_ENVIRONMENT} to NEW,OLD, where NEW is what `trueline secrets key` prints, "
            "for every API and for this command; restart the APIs, then rotate again",
        )
    keys = (new_key(), *keys)
    keyring.replace(keys)  # before anything is sealed with it
    return keys


def _reseal_and_drop(database: Database, keyring: Keyring, newest: Key) -> int:
    resealed = 0
    for _ in range(MOST_PASSES):
        resealed += _reseal(database, SecretBox(keyring), newest)
        if _dropped(database, newest):
            return resealed
    raise SecretKeyError(
        "other processes go on sealing secrets with an old key",
        f"give every API that uses this database the key {newest.id}, then rotate again",
    )


def _reseal(database: Database, box: SecretBox, newest: Key) -> int:
    resealed = 0
    unreadable: list[str] = []
    for column in SEALED_COLUMNS:
        after: str | None = ""
        while after is not None:
            with database.write() as connection:
                rows = _read_batch(connection, column, after)
                for row in rows:
                    resealed += _reseal_row(connection, column, row, (box, newest), unreadable)
            after = rows[-1][0] if len(rows) == BATCH_ROWS else None
    if unreadable:
        raise SecretKeyError(
            f"{len(unreadable)} secrets cannot be opened: {', '.join(unreadable[:5])}",
            "set them again: PATCH each deployment's config, and each webhook's `url` with "
            "`new_secret`; then rotate again. The old keys are kept until then",
        )
    return resealed


def _read_batch(
    connection: Connection, column: SealedColumn, after: str
) -> Sequence[Sequence[Any]]:
    columns = (column.id, column.name, column.stored)
    batch = select(*columns).where(column.id > after).order_by(column.id).limit(BATCH_ROWS)
    return connection.execute(batch.with_for_update()).all()


def _reseal_row(
    connection: Connection,
    column: SealedColumn,
    row: Sequence[Any],
    sealing: tuple[SecretBox, Key],
    unreadable: list[str],
) -> bool:
    """Seal what is not sealed with the newest key; tell whether anything was."""
    row_id, name, stored = row
    box, newest = sealing
    config, failed = box.resealed(newest, column.owner(row_id), stored)
    unreadable += [f"{name} at {pointer}" for pointer in failed]
    if config == stored:
        return False
    changed = update(column.id.table).where(column.id == row_id).values({column.stored: config})
    connection.execute(changed)
    return True


def _dropped(database: Database, newest: Key) -> bool:
    """Drop the old keys, unless something was sealed with one since."""
    try:
        with database.write() as connection:
            drop_keys(connection, frozenset({newest.id}))
            _check_unneeded(connection, newest)
    except _StillNeededError:  # it has rolled back
        return False
    return True


def _check_unneeded(connection: Connection, newest: Key) -> None:
    if not set(_used(connection)) <= {newest.id}:
        raise _StillNeededError


def _used(connection: Connection) -> Counter[str]:
    return Counter(
        key_id_of(token)
        for column in SEALED_COLUMNS
        for config in connection.execute(select(column.stored)).yield_per(BATCH_ROWS).scalars()
        for _, token in sealed_values(config)
    )


def _available(keyring: Keyring) -> tuple[Key, ...]:
    try:
        return keyring.read()
    except SecretKeyError:
        return ()
