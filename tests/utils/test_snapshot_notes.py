from pathlib import Path

import pytest

from utils.snapshot_notes import Notes, read_notes


def test_notes_come_back_as_they_were_whatever_bytes_a_path_has(tmp_path: Path) -> None:
    notes = Notes({"alpha": "why"}, {"integrations/alpha/\udcff": "why"}, "boot")
    file = tmp_path / "notes.json"
    file.write_bytes(notes.as_json())
    assert read_notes(file) == notes


@pytest.mark.parametrize("content", [b"", b"\0\0\0", b"[1]", b'{"boot', b'{"more": 1}'])
def test_what_a_loss_of_power_leaves_are_no_notes(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "notes.json"
    assert read_notes(file) is None
    file.write_bytes(content)
    assert read_notes(file) is None


def test_notes_hold_in_the_start_that_made_them_and_on_the_disk_for_good() -> None:
    assert Notes(boot="one").hold_in("one")
    assert not Notes(boot="one").hold_in("two")
    assert not Notes(boot="one").hold_in("")
    assert Notes().hold_in("two")
