import sqlite3
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from worker.lease import Lease
from worker.outbox import Outbox
from worker.outbox_file import OutboxError, open_outbox_file


@pytest.fixture
def used(tmp_path: Path) -> Path:
    path = tmp_path / "outbox.db"
    box = Outbox(path)
    for _ in range(200):
        box.append(Lease("a", 1, "t"), {"type": "output", "text": "x" * 500})
    box.close()
    return path


@pytest.mark.parametrize("damage", ["cut", "scribbled", "text"])
def test_a_damaged_file_is_set_aside_with_a_loud_word_and_a_new_one_begun(
    used: Path, damage: str
) -> None:
    content = used.read_bytes()
    match damage:
        case "cut":
            used.write_bytes(content[: len(content) // 2 + 100])
        case "scribbled":
            used.write_bytes(content[:4096] + b"\xff" * 8192 + content[12288:])
        case _:
            used.write_bytes(b"this was never a database" * 100)
    damaged = used.read_bytes()

    with capture_logs() as logs:
        connection = open_outbox_file(used)

    assert connection.execute("SELECT count(*) FROM events").fetchone() == (0,)
    connection.close()
    (said,) = logs
    assert said["event"] == "outbox set aside"
    assert said["log_level"] == "error"
    assert said["advice"]
    assert Path(said["kept_as"]).read_bytes()[:4096] == damaged[:4096]


def test_a_file_of_another_format_is_left_alone_and_refused(used: Path) -> None:
    with sqlite3.connect(used) as connection:
        connection.execute("PRAGMA user_version=99")
    connection.close()

    with pytest.raises(OutboxError, match="another version") as caught:
        open_outbox_file(used)

    assert "move the file away" in caught.value.advice
    assert used.exists()


def test_a_file_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    (tmp_path / "outbox.db").mkdir()

    with pytest.raises(OutboxError, match=r"outbox\.db cannot be opened"):
        open_outbox_file(tmp_path / "outbox.db")
