from pathlib import Path
from typing import Any

import pytest

from api.config_secrets import MASK, SecretBox, is_sealed, masked, with_kept_secrets
from api.secret_key import SecretKeyError

CONFIG: dict[str, Any] = {"token": "a", "deep": [{"key": 7}], "zone": "z"}
POINTERS = ("/token", "/deep/0/key")


@pytest.fixture
def box(tmp_path: Path) -> SecretBox:
    return SecretBox(tmp_path / "secret.key")


def test_sealed_config_opens_to_what_it_was(box: SecretBox) -> None:
    sealed = box.seal(CONFIG, POINTERS, "d1")
    assert is_sealed(sealed["token"])
    assert sealed["zone"] == "z"
    opened = box.open_config("d1", sealed)
    assert (opened.config, opened.pointers) == (CONFIG, POINTERS)


def test_sealed_secret_moved_to_another_deployment_does_not_open(box: SecretBox) -> None:
    with pytest.raises(SecretKeyError, match="cannot be opened"):
        box.open_config("d2", box.seal(CONFIG, POINTERS, "d1"))


def test_changed_token_does_not_open(box: SecretBox) -> None:
    sealed = box.seal({"token": "a"}, ("/token",), "d1")
    sealed["token"]["$sealed"] = sealed["token"]["$sealed"][:-4] + "AAA="
    with pytest.raises(SecretKeyError, match="/token"):
        box.open_config("d1", sealed)


def test_token_that_is_no_text_does_not_open(box: SecretBox) -> None:
    box.seal(CONFIG, POINTERS, "d1")
    with pytest.raises(SecretKeyError, match="/token"):
        box.open_config("d1", {"token": {"$sealed": 5}})


def test_another_process_opens_with_the_same_key_file(tmp_path: Path, box: SecretBox) -> None:
    sealed = box.seal(CONFIG, POINTERS, "d1")
    assert SecretBox(tmp_path / "secret.key").open_config("d1", sealed).config == CONFIG


def test_opening_never_makes_a_key(tmp_path: Path, box: SecretBox) -> None:
    sealed = box.seal(CONFIG, POINTERS, "d1")
    (tmp_path / "secret.key").unlink()
    with pytest.raises(SecretKeyError, match="cannot be used"):
        SecretBox(tmp_path / "secret.key").open_config("d1", sealed)
    assert not (tmp_path / "secret.key").exists()


def test_config_without_secrets_needs_no_key(tmp_path: Path, box: SecretBox) -> None:
    assert box.seal({"zone": "z"}, (), "d1") == {"zone": "z"}
    assert box.open_config("d1", {"zone": "z"}).pointers == ()
    assert not (tmp_path / "secret.key").exists()


def test_check_finds_a_spoilt_key_file(tmp_path: Path, box: SecretBox) -> None:
    box.check()
    (tmp_path / "secret.key").write_text("not a key")
    with pytest.raises(SecretKeyError):
        box.check()


def test_pointer_with_escapes_is_followed(box: SecretBox) -> None:
    sealed = box.seal({"a/b~c": "x"}, ("/a~1b~0c",), "d1")
    assert masked(sealed) == {"a/b~c": MASK}


def test_mask_is_kept_only_where_a_secret_is_stored(box: SecretBox) -> None:
    stored = box.seal({"token": "a", "zone": "z"}, ("/token",), "d1")
    kept = with_kept_secrets({"token": MASK, "zone": MASK}, stored)
    assert kept == {"token": stored["token"], "zone": MASK}


def test_item_of_a_list_keeps_its_secret_where_it_moves(box: SecretBox) -> None:
    hosts = {"hosts": [{"name": "a", "key": "1"}, {"name": "b", "key": "2"}]}
    stored = box.seal(hosts, ("/hosts/0/key", "/hosts/1/key"), "d1")
    kept = with_kept_secrets({"hosts": [{"name": "b", "key": MASK}]}, stored)
    assert box.open_config("d1", kept).config == {"hosts": [{"name": "b", "key": "2"}]}


def test_changed_item_of_a_list_loses_its_secret(box: SecretBox) -> None:
    stored = box.seal({"hosts": [{"name": "a", "key": "1"}]}, ("/hosts/0/key",), "d1")
    changed = {"hosts": [{"name": "evil", "key": MASK}]}
    assert with_kept_secrets(changed, stored) == changed


def test_twins_in_a_list_are_not_mixed_up(box: SecretBox) -> None:
    twins = {"keys": ["1", "2"]}
    stored = box.seal(twins, ("/keys/0", "/keys/1"), "d1")
    assert with_kept_secrets({"keys": [MASK, MASK]}, stored) == stored
    assert with_kept_secrets({"keys": ["0", "1", MASK]}, stored) == {"keys": ["0", "1", MASK]}
