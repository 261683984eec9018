"""Which keys the stored secrets may be sealed with: what no API may seal without, or drop."""

from sqlalchemy import Column, Connection, String, Table, delete, insert, select, text

from api.secret_key import Key, Keyring, SecretKeyError
from api.tables import metadata

_LOCK = 0x7472756D  # on PostgreSQL: whose key is the first; any fixed number does

secret_keys = Table("secret_keys", metadata, Column("id", String(16), primary_key=True))


def keys_on_record(connection: Connection) -> frozenset[str]:
    """Read the ids; they stay on record until the transaction ends."""
    found = connection.execute(select(secret_keys.c.id).with_for_update(read=True))
    return frozenset(found.scalars())


def sealing_key(connection: Connection, keyring: Keyring) -> Key:
    """Return the key to seal with, in the transaction that stores what it seals.

    It is the newest of those on record. The very first one is put there, and made where there is
    none. Raises SecretKeyError where the database's keys are others than this process has.
    """
    recorded = keys_on_record(connection)
    if not recorded:
        _take_turn(connection)
        recorded = keys_on_record(connection)
    if not recorded:
        keyring.make()
        first = keyring.read()[0]
        record_key(connection, first.id)
        return first
    for key in _keys_here(keyring):
        if key.id in recorded:
            return key
    raise _missing(recorded, keyring)


def record_key(connection: Connection, key_id: str) -> None:
    """Put a key on record, unless it is there."""
    if key_id not in keys_on_record(connection):
        connection.execute(insert(secret_keys).values(id=key_id))


def drop_keys(connection: Connection, keep: frozenset[str]) -> None:
    """Take all keys but some off the record; waits for those that seal with them just now."""
    connection.execute(delete(secret_keys).where(secret_keys.c.id.not_in(keep)))


def check_keys(connection: Connection, keyring: Keyring) -> None:
    """Raise SecretKeyError when a key on record is none of this process's."""
    missing = keys_on_record(connection) - {key.id for key in _keys_here(keyring)}
    if missing:
        raise _missing(missing, keyring)


def _keys_here(keyring: Keyring) -> tuple[Key, ...]:
    """Read the keys: none, where there is no file yet; raises SecretKeyError for a spoilt one."""
    if keyring.file is not None and not keyring.file.exists():
        return ()
    return keyring.read()


def _take_turn(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})


def _missing(ids: frozenset[str], keyring: Keyring) -> SecretKeyError:
    named = ", ".join(sorted(ids))
    return SecretKeyError(
        f"the database's secrets are sealed with key {named}, which is not in {keyring.where}",
        "bring that key there: from the backup that belongs to the database, or from another "
        "machine that runs the API; when it is lost for good: `trueline secrets forget`",
    )
