from pathlib import Path

import pytest

from api.database import Database
from api.key_records import check_keys, drop_keys, keys_on_record, record_key, sealing_key
from api.secret_key import Keyring, SecretKeyError, new_key


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    return Keyring(tmp_path / "secret.key")


def test_first_key_is_made_and_put_on_record(database: Database, keyring: Keyring) -> None:
    with database.write() as connection:
        check_keys(connection, keyring)
        key = sealing_key(connection, keyring)
        assert sealing_key(connection, keyring) == key
        assert keys_on_record(connection) == {key.id}
        check_keys(connection, keyring)


def test_another_machine_with_a_key_of_its_own_is_refused(
    database: Database, keyring: Keyring, tmp_path: Path
) -> None:
    with database.write() as connection:
        key = sealing_key(connection, keyring)
        other = Keyring(tmp_path / "other.key")
        with pytest.raises(SecretKeyError):
            check_keys(connection, other)
        with pytest.raises(SecretKeyError):
            sealing_key(connection, other)
        other.make()
        for refuse in (check_keys, sealing_key):
            with pytest.raises(SecretKeyError, match=key.id) as error:
                refuse(connection, other)
            assert "another machine" in error.value.advice
        assert keys_on_record(connection) == {key.id}


def test_new_key_seals_only_once_it_is_on_record(database: Database, keyring: Keyring) -> None:
    with database.write() as connection:
        old, newest = sealing_key(connection, keyring), new_key()
        keyring.replace((newest, old))
        assert sealing_key(connection, keyring) == old
        record_key(connection, newest.id)
        assert sealing_key(connection, keyring) == newest
        drop_keys(connection, frozenset({newest.id}))
        assert keys_on_record(connection) == {newest.id}
