from pathlib import Path

from utils.boot import read_boot_id


def test_it_is_the_same_until_the_machine_starts_again() -> None:
    assert read_boot_id() == read_boot_id()


def test_a_system_that_does_not_tell_has_none(tmp_path: Path) -> None:
    assert not read_boot_id(tmp_path / "missing")
    told = tmp_path / "boot_id"
    told.write_text("abc\n")
    assert read_boot_id(told) == "abc"
