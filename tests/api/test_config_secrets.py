import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from api.config_secrets import (
    MASK,
    OpenConfig,
    SecretBox,
    is_sealed,
    key_id_of,
    masked,
    sealed_values,
    with_kept_secrets,
)
from api.database import Database
from api.secret_key import Keyring, SecretKeyError, new_key

CONFIG: dict[str, Any] = {"token": "a", "deep": [{"key": 7}], "zone": "z"}
POINTERS = ("/token", "/deep/0/key")
Seal = Callable[..., dict[str, Any]]


@pytest.fixture
def box(tmp_path: Path) -> SecretBox:
    return SecretBox(Keyring(tmp_path / "secret.key"))


@pytest.fixture
def connection(database: Database) -> Iterator[Connection]:
    with database.write() as connection:
        yield connection


@pytest.fixture
def seal(box: SecretBox, connection: Connection) -> Seal:
    def seal(
        config: dict[str, Any], secrets: tuple[str, ...], references: tuple[str, ...] = ()
    ) -> dict[str, Any]:
        return box.seal(connection, OpenConfig(config, secrets, references), "d1")

    return seal


def update(box: SecretBox, stored: dict[str, Any], new: Any) -> OpenConfig:
    return box.open_kept("d1", with_kept_secrets(new, stored), stored)


def test_sealed_config_opens_to_what_it_was(box: SecretBox, seal: Seal) -> None:
    sealed = seal(CONFIG, POINTERS)
    assert is_sealed(sealed["token"])
    assert sealed["zone"] == "z"
    opened = box.open_config("d1", sealed)
    assert (opened.config, opened.secrets) == (CONFIG, POINTERS)


def test_sealed_secret_moved_to_another_deployment_does_not_open(
    box: SecretBox, seal: Seal
) -> None:
    with pytest.raises(SecretKeyError, match="cannot be opened"):
        box.open_config("d2", seal(CONFIG, POINTERS))


def test_secrets_that_change_places_in_a_row_do_not_open(box: SecretBox, seal: Seal) -> None:
    sealed = seal({"read": "a", "write": "b"}, ("/read", "/write"))
    swapped = {"read": sealed["write"], "write": sealed["read"]}
    with pytest.raises(SecretKeyError, match="/read"):
        box.open_config("d1", swapped)


def test_changed_token_does_not_open(box: SecretBox, seal: Seal) -> None:
    sealed = seal({"token": "a"}, ("/token",))
    sealed["token"]["$sealed"] = sealed["token"]["$sealed"][:-4] + "AAA="
    with pytest.raises(SecretKeyError, match="/token"):
        box.open_config("d1", sealed)


@pytest.mark.parametrize("token", [5, None, ["x"], "", ":", "0:x"])
def test_token_that_is_none_does_not_open(box: SecretBox, seal: Seal, token: Any) -> None:
    seal(CONFIG, POINTERS)
    with pytest.raises(SecretKeyError, match="/token"):
        box.open_config("d1", {"token": {"$sealed": token}})


def test_secret_that_an_older_version_sealed_opens(box: SecretBox, seal: Seal) -> None:
    seal(CONFIG, POINTERS)
    (key,) = box.keyring.read()
    old = key.fernet.encrypt(json.dumps(["d1", "a"]).encode()).decode()
    assert box.open_config("d1", {"token": {"$sealed": old}}).config == {"token": "a"}
    with pytest.raises(SecretKeyError):
        box.open_config("d2", {"token": {"$sealed": old}})


def test_another_process_opens_with_the_same_key_file(tmp_path: Path, seal: Seal) -> None:
    sealed = seal(CONFIG, POINTERS)
    other = SecretBox(Keyring(tmp_path / "secret.key"))
    assert other.open_config("d1", sealed).config == CONFIG


def test_opening_never_makes_a_key(tmp_path: Path, seal: Seal) -> None:
    sealed = seal(CONFIG, POINTERS)
    (tmp_path / "secret.key").unlink()
    with pytest.raises(SecretKeyError, match="cannot be used"):
        SecretBox(Keyring(tmp_path / "secret.key")).open_config("d1", sealed)
    assert not (tmp_path / "secret.key").exists()


def test_lost_key_opens_what_it_can_and_seals_nothing_more(
    tmp_path: Path, box: SecretBox, seal: Seal
) -> None:
    sealed = seal(CONFIG, POINTERS)
    (tmp_path / "secret.key").unlink()
    assert box.open_config("d1", sealed).config == CONFIG
    with pytest.raises(SecretKeyError, match="which is not in"):
        seal(CONFIG, POINTERS)


def test_config_without_secrets_needs_no_key(tmp_path: Path, box: SecretBox, seal: Seal) -> None:
    assert seal({"zone": "z"}, ()) == {"zone": "z"}
    assert box.open_config("d1", {"zone": "z"}).secrets == ()
    assert not (tmp_path / "secret.key").exists()


def test_check_finds_a_spoilt_key_file(
    tmp_path: Path, box: SecretBox, connection: Connection
) -> None:
    box.check(connection)
    (tmp_path / "secret.key").write_text("not a key")
    with pytest.raises(SecretKeyError):
        box.check(connection)


def test_pointer_with_escapes_is_followed(seal: Seal) -> None:
    assert masked(seal({"a/b~c": "x"}, ("/a~1b~0c",))) == {"a/b~c": MASK}


def test_reference_is_shown_and_opened_as_it_was_written(box: SecretBox, seal: Seal) -> None:
    stored = seal({"token": "env:TOKEN"}, (), ("/token",))
    assert masked(stored) == {"token": "env:TOKEN"}
    opened = box.open_config("d1", stored)
    assert (opened.config, opened.references) == ({"token": "env:TOKEN"}, ("/token",))


def test_resealing_changes_the_key_alone(box: SecretBox, seal: Seal) -> None:
    stored, newest = seal(CONFIG, POINTERS), new_key()
    spoilt = stored | {"zone": {"$sealed": "x:y"}}
    resealed, unreadable = box.resealed(newest, "d1", spoilt)
    assert unreadable == ("/zone",)
    assert {key_id_of(one) for _, one in sealed_values(resealed)} == {newest.id, "x"}
    box.keyring.replace((newest,))
    assert box.open_config("d1", resealed | {"zone": "z"}).config == CONFIG


def test_mask_is_kept_only_where_a_secret_is_stored(box: SecretBox, seal: Seal) -> None:
    stored = seal({"token": "a", "zone": "z"}, ("/token",))
    kept = update(box, stored, {"token": MASK, "zone": MASK})
    assert (kept.config, kept.secrets) == ({"token": "a", "zone": MASK}, ("/token",))


def test_renamed_key_loses_its_secret(box: SecretBox, seal: Seal) -> None:
    stored = seal({"a": {"key": "1"}}, ("/a/key",))
    assert update(box, stored, {"b": {"key": MASK}}).config == {"b": {"key": MASK}}


def test_item_of_a_list_keeps_its_secret_where_it_moves(box: SecretBox, seal: Seal) -> None:
    hosts = {"hosts": [{"name": "a", "key": "1"}, {"name": "b", "key": "2"}]}
    stored = seal(hosts, ("/hosts/0/key", "/hosts/1/key"))
    swapped = {"hosts": [{"name": "b", "key": MASK}, {"name": "a", "key": MASK}]}
    kept = update(box, stored, swapped)
    assert kept.config == {"hosts": hosts["hosts"][::-1]}
    assert update(box, stored, {"hosts": swapped["hosts"][:1]}).config == {
        "hosts": [{"name": "b", "key": "2"}]
    }


def test_item_with_a_reference_keeps_its_secret_and_the_reference(
    box: SecretBox, seal: Seal
) -> None:
    stored = seal({"hosts": [{"user": "env:U", "key": "1"}]}, ("/hosts/0/key",), ("/hosts/0/user",))
    assert update(box, stored, masked(stored)).config == {"hosts": [{"user": "env:U", "key": "1"}]}


def test_changed_item_of_a_list_loses_its_secret(box: SecretBox, seal: Seal) -> None:
    stored = seal({"hosts": [{"name": "a", "key": "1"}]}, ("/hosts/0/key",))
    changed = {"hosts": [{"name": "evil", "key": MASK}]}
    assert update(box, stored, changed).config == changed


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ([MASK, MASK], ["1", "2"]),
        ([MASK, MASK, "3"], ["1", "2", "3"]),
        ([MASK], [MASK]),  # which of the two went?
        (["0", MASK, MASK], ["0", MASK, MASK]),
        (["0", "1", MASK], ["0", "1", MASK]),
    ],
)
def test_twins_in_a_list_are_not_mixed_up(
    box: SecretBox, seal: Seal, sent: list[str], kept: list[str]
) -> None:
    stored = seal({"keys": ["1", "2"]}, ("/keys/0", "/keys/1"))
    assert update(box, stored, {"keys": sent}).config == {"keys": kept}
