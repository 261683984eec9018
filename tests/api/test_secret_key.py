import threading
from pathlib import Path

import pytest

from api.secret_key import Key, Keyring, SecretKeyError, new_key
from utils.errors import SettingsError
from utils.settings import Settings


def test_key_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "secret.key"
    Keyring(path).make()
    assert path.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["secret.key"]
    assert len(Keyring(path).read()) == 1


def test_key_that_exists_is_kept(tmp_path: Path) -> None:
    keyring = Keyring(tmp_path / "secret.key")
    keyring.make()
    first = keyring.read()
    keyring.make()
    assert keyring.read() == first


def test_makers_at_once_agree_on_one_key(tmp_path: Path) -> None:
    barrier = threading.Barrier(8)
    made: list[Key] = []

    def work() -> None:
        keyring = Keyring(tmp_path / "secret.key")
        barrier.wait()
        keyring.make()
        made.extend(keyring.read())

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 8
    assert len({key.text for key in made}) == 1


def test_changed_file_is_read_again(tmp_path: Path) -> None:
    keyring, other = Keyring(tmp_path / "secret.key"), Keyring(tmp_path / "secret.key")
    keyring.make()
    (old,) = keyring.read()
    newest = new_key()
    other.replace((newest, old))
    assert [key.id for key in keyring.read()] == [newest.id, old.id]
    assert (tmp_path / "secret.key").stat().st_mode & 0o777 == 0o600


def test_keys_that_were_read_open_after_the_file_is_gone(tmp_path: Path) -> None:
    keyring = Keyring(tmp_path / "secret.key")
    keyring.make()
    found = keyring.read()
    (tmp_path / "secret.key").unlink()
    assert keyring.known() == found
    with pytest.raises(SecretKeyError):
        keyring.read()


@pytest.mark.parametrize("content", [None, b"", b"short", b"\xff\xfe"])
def test_missing_or_spoilt_key_says_what_to_do(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "secret.key"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SecretKeyError) as error:
        Keyring(path).known()
    assert "backup" in error.value.advice


def test_keys_from_the_environment_need_no_file(tmp_path: Path) -> None:
    keys = (new_key(), new_key())
    settings = Settings.model_validate(
        {"data_dir": tmp_path, "secret_key": ",".join(key.text for key in keys)}
    )
    keyring = Keyring.of(settings)
    keyring.make()
    assert keyring.read() == keys
    assert list(tmp_path.iterdir()) == []
    told = repr(settings) + str(settings) + repr(keyring.read()) + repr(vars(keyring))
    assert not any(key.text in told for key in keys)
    with pytest.raises(SecretKeyError, match="TRUELINE_SECRET_KEY"):
        keyring.replace(keys)


def test_wrong_key_in_the_environment_is_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(SecretKeyError, match="TRUELINE_SECRET_KEY holds no keys") as error:
        Keyring.of(Settings.model_validate({"data_dir": tmp_path, "secret_key": "canary"}))
    assert "canary" not in str(error.value)


def test_key_in_two_places_is_refused(tmp_path: Path) -> None:
    settings = Settings.model_validate(
        {"secret_key": new_key().text, "secret_key_file": tmp_path / "secret.key"}
    )
    with pytest.raises(SettingsError, match="both set"):
        Keyring.of(settings)
