import os
from pathlib import Path

import pytest

from worker.allowed_references import ReferenceRefused
from worker.secret_files import LIMIT_BYTES, read_secret_file


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "secrets"
    folder.mkdir()
    return folder


@pytest.mark.parametrize(
    ("content", "secret"),
    [(b"s3cret", "s3cret"), (b"s3cret\n", "s3cret"), (b"a\r\n", "a"), (b"a\nb\n\n", "a\nb\n")],
)
def test_end_of_the_last_line_is_no_part_of_a_secret(
    folder: Path, content: bytes, secret: str
) -> None:
    (folder / "x").write_bytes(content)
    assert read_secret_file(folder / "x", folder) == secret


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"\xff\xfe", "is not text"),
        (b"a\0b", "is not text"),
        (b"x" * (LIMIT_BYTES + 1), "more than"),
    ],
)
def test_what_is_no_secret_is_refused(folder: Path, content: bytes, told: str) -> None:
    (folder / "x").write_bytes(content)
    with pytest.raises(ReferenceRefused, match=told):
        read_secret_file(folder / "x", folder)


def test_link_inside_the_folder_is_followed_and_one_out_of_it_is_not(
    folder: Path, tmp_path: Path
) -> None:
    (folder / "..2026").mkdir()
    (folder / "..2026" / "x").write_text("s3cret")
    (folder / "x").symlink_to("..2026/x")  # as Kubernetes mounts secrets
    assert read_secret_file(folder / "x", folder) == "s3cret"
    (tmp_path / "other").write_text("foreign")
    (folder / "out").symlink_to("../other")
    (folder / "up").symlink_to("..")
    for path in (folder / "out", folder / "up" / "other"):
        with pytest.raises(ReferenceRefused, match="leads out of"):
            read_secret_file(path, folder)


def test_folder_may_itself_be_reached_by_a_link(folder: Path, tmp_path: Path) -> None:
    (folder / "x").write_text("s3cret")
    (tmp_path / "link").symlink_to(folder)
    assert read_secret_file(tmp_path / "link" / "x", tmp_path / "link") == "s3cret"


def test_only_files_are_read(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    for path in (folder / "pipe", folder):
        with pytest.raises(ReferenceRefused, match="is not a file"):
            read_secret_file(path, folder)
    with pytest.raises(ReferenceRefused, match="No such file"):
        read_secret_file(folder / "none", folder)


def test_own_files_and_the_systems_are_closed_however_much_is_allowed(folder: Path) -> None:
    (folder / "secret.key").write_text("key")
    for path in (folder / "secret.key", Path("/proc/self/environ")):
        with pytest.raises(ReferenceRefused, match="no secrets of integrations"):
            read_secret_file(path, Path("/"), (folder,))
