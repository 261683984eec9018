import json
from pathlib import Path

import pytest

from api.signing_key import (
    SigningKeyError,
    make_signing_key,
    read_signing_keys,
    retire_signing_keys,
    rotate_signing_key,
)


def test_made_key_is_private_and_named(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "signing.json"
    kid = make_signing_key(path)
    assert path.stat().st_mode & 0o777 == 0o600
    keys = read_signing_keys(path)
    assert keys.first.kid == kid
    assert len(keys.first.raw_value) == 32
    assert json.loads(path.read_text())["keys"][0]["k"] not in repr(keys)


def test_existing_file_is_left_alone(key_file: Path) -> None:
    before = key_file.read_bytes()
    with pytest.raises(SigningKeyError, match="exists already"):
        make_signing_key(key_file)
    assert key_file.read_bytes() == before


def test_rotated_key_signs_and_the_older_ones_verify_until_they_are_retired(key_file: Path) -> None:
    first = read_signing_keys(key_file).first.kid
    second = rotate_signing_key(key_file)
    keys = read_signing_keys(key_file)
    assert keys.first.kid == second
    assert [key.kid for key in keys.known.keys] == [second, first]
    assert key_file.stat().st_mode & 0o777 == 0o600
    assert retire_signing_keys(key_file) == 1
    assert [key.kid for key in read_signing_keys(key_file).known.keys] == [second]


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o660, 0o601, 0o620, 0o777])
def test_file_that_others_can_read_or_write_is_refused(key_file: Path, mode: int) -> None:
    key_file.chmod(mode)
    with pytest.raises(SigningKeyError, match=f"mode {mode:04o}") as error:
        read_signing_keys(key_file)
    assert "chmod 600" in error.value.advice


@pytest.mark.parametrize("mode", [0o400, 0o440, 0o640])
def test_mounted_secret_of_a_group_is_read(key_file: Path, mode: int) -> None:
    key_file.chmod(mode)
    assert read_signing_keys(key_file).first


GOOD = {"kty": "oct", "kid": "a", "k": "A" * 43}


@pytest.mark.parametrize(
    "content",
    [
        "",
        "poem",
        "[]",
        '{"keys": []}',
        '{"keys": 7}',
        json.dumps({"keys": [GOOD, GOOD]}),
        json.dumps({"keys": [GOOD | {"kid": 7}]}),
        json.dumps({"keys": [GOOD | {"k": "c2hvcnQ"}]}),
        json.dumps({"keys": [GOOD | {"k": ""}]}),
        json.dumps({"keys": [GOOD | {"kty": "RSA"}]}),
        json.dumps({"keys": [{"kty": "oct", "kid": "a"}]}),
        json.dumps({"keys": [GOOD]}) + " " * 100_000 + "x",
    ],
)
def test_file_that_holds_no_usable_keys_is_refused(key_file: Path, content: str) -> None:
    key_file.write_text(content)
    with pytest.raises(SigningKeyError, match="holds no signing keys") as error:
        read_signing_keys(key_file)
    assert "trueline token key" in error.value.advice


def test_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(SigningKeyError, match="cannot be read") as error:
        read_signing_keys(tmp_path / "none")
    assert "trueline token key" in error.value.advice


def test_place_that_cannot_be_written_to_is_a_clear_error() -> None:
    with pytest.raises(SigningKeyError, match="cannot be written"):
        make_signing_key(Path("/proc/none/signing.json"))
