from pathlib import Path

import pytest

from worker.lockfile import (
    HashesDiffer,
    Lock,
    Locks,
    Pin,
    UnusableLock,
    make_lock,
    parse_resolution,
    read_lock,
)
from worker.requirement import as_requirements

A, B, C = (f"sha256:{letter * 64}" for letter in "abc")
LOCK = make_lock([Pin("six", "1.16.0", (B, A)), Pin("Ruamel.YAML", "0.18", (C,))])


def test_a_lock_has_one_order_of_names_and_hashes() -> None:
    assert LOCK.pins == (Pin("ruamel-yaml", "0.18", (C,)), Pin("six", "1.16.0", (A, B)))


def test_what_uv_prints_becomes_a_lock() -> None:
    printed = (
        f"# a comment\nruamel-yaml==0.18 \\\n    --hash={C}\n    # via me\n"
        f"six==1.16.0 \\\n    --hash={A} \\\n    --hash={B}"
    )
    assert parse_resolution(printed) == LOCK


def test_no_packages_make_an_empty_lock() -> None:
    assert parse_resolution("") == Lock(())


@pytest.mark.parametrize(
    "printed", ["six==1.16.0\n", "-e ./mylib\n", f"six @ https://x/y --hash={A}\n"]
)
def test_a_line_without_pin_or_hash_is_no_lock(printed: str) -> None:
    with pytest.raises(UnusableLock, match="is not a locked package"):
        parse_resolution(printed)


def test_a_lock_is_found_again(tmp_path: Path) -> None:
    locks = Locks(tmp_path / "locks")
    assert locks.read("key") is None
    locks.write("key", LOCK)
    assert locks.read("key") == LOCK
    assert read_lock(tmp_path / "locks" / "key.txt") == LOCK


@pytest.mark.parametrize("cut", [0, 1, 40, 120])
def test_a_lock_that_was_cut_short_is_not_used(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "key.txt"
    path.write_text(LOCK.render()[:-cut] if cut else "")
    assert Locks(tmp_path).read("key") is None


def test_a_lock_that_was_changed_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "key.txt").write_text(LOCK.render().replace("1.16.0", "1.17.0"))
    assert Locks(tmp_path).read("key") is None


def test_a_lock_that_is_not_text_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "key.txt").write_bytes(b"\xff\xfe")
    assert Locks(tmp_path).read("key") is None


def test_an_authors_hashes_narrow_what_may_be_installed() -> None:
    narrowed = LOCK.narrowed(as_requirements([f"six==1.16.0 --hash={B}"]))
    assert narrowed.pins == (Pin("ruamel-yaml", "0.18", (C,)), Pin("six", "1.16.0", (B,)))


def test_hashes_that_the_index_does_not_know_are_refused() -> None:
    (requirement,) = as_requirements([f"six==1.16.0 --hash={C}"])
    with pytest.raises(HashesDiffer) as raised:
        LOCK.narrowed([requirement])
    assert raised.value.requirement is requirement
