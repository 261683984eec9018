import threading
from pathlib import Path

import pytest

from api.secret_key import SecretKeyError, make_key, read_key


def test_key_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "secret.key"
    make_key(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["secret.key"]
    read_key(path)


def test_key_that_exists_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    make_key(path)
    first = path.read_bytes()
    make_key(path)
    assert path.read_bytes() == first


def test_makers_at_once_agree_on_one_key(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    barrier = threading.Barrier(8)
    tokens: list[bytes] = []

    def work() -> None:
        barrier.wait()
        make_key(path)
        tokens.append(read_key(path).encrypt(b"x"))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {read_key(path).decrypt(token) for token in tokens} == {b"x"}
    assert len(tokens) == 8


def test_new_first_line_rotates_the_key(tmp_path: Path) -> None:
    path, other = tmp_path / "secret.key", tmp_path / "other.key"
    make_key(path)
    make_key(other)
    old = read_key(path).encrypt(b"x")
    path.write_text(other.read_text() + path.read_text())
    assert read_key(path).decrypt(old) == b"x"
    assert read_key(other).decrypt(read_key(path).encrypt(b"y")) == b"y"


@pytest.mark.parametrize("content", [None, b"", b"short", b"\xff\xfe"])
def test_missing_or_spoilt_key_says_what_to_do(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "secret.key"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SecretKeyError) as error:
        read_key(path)
    assert "backup" in error.value.advice
