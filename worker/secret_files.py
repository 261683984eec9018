"""Reads one secret out of a file, and nothing that is none."""

import os
import stat
from collections.abc import Collection
from pathlib import Path

from worker.allowed_references import ReferenceRefused

LIMIT_BYTES = 64 * 1024
_SYSTEM = tuple(map(Path, ("/proc", "/sys", "/dev")))


def read_secret_file(path: Path, folder: Path, closed: Collection[Path] = ()) -> str:
    """Return the text of a file that lies in `folder`, without the end of its last line.

    A link may not lead out of the folder, nor anything into a `closed` one. Raises
    ReferenceRefused.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    except (OSError, ValueError) as error:
        said = error.strerror if isinstance(error, OSError) else "the path is none"
        raise ReferenceRefused(
            f"file:{path} cannot be read: {said}",
            "put the secret there on every worker, readable for the worker's user",
        ) from error
    try:
        _check_place(path, os.fstat(descriptor), folder, closed)
        content = os.read(descriptor, LIMIT_BYTES + 1)
    finally:
        os.close(descriptor)
    return _text(path, content)


def _check_place(
    path: Path, opened: os.stat_result, folder: Path, closed: Collection[Path]
) -> None:
    if not stat.S_ISREG(opened.st_mode):
        raise ReferenceRefused(f"file:{path} is not a file", "name a file with one secret in it")
    real = Path(os.path.realpath(path))
    if any(real.is_relative_to(one.resolve()) for one in (*_SYSTEM, *closed)):
        raise ReferenceRefused(
            f"file:{path} leads to where no secrets of integrations are",
            "keep it in a folder of its own, such as /run/secrets",
        )
    if not real.is_relative_to(folder.resolve()):
        raise ReferenceRefused(
            f"file:{path} leads out of {folder}, the folder that is allowed",
            f"put the file itself into {folder}, or allow the folder that the link leads to",
        )
    if not os.path.samestat(opened, real.stat()):
        raise ReferenceRefused(f"file:{path} was replaced just now", "run the job again")


def _text(path: Path, content: bytes) -> str:
    if len(content) > LIMIT_BYTES:
        raise ReferenceRefused(
            f"file:{path} has more than {LIMIT_BYTES:,} bytes", "name a file with one secret in it"
        )
    try:
        text = content.decode()
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise ReferenceRefused(
            f"file:{path} is not text", "store it as text, a binary secret as base64"
        )
    text = text.removesuffix("\n").removesuffix("\r")
    if not text.strip():
        raise ReferenceRefused(f"file:{path} is empty", "write the secret into it")
    return text
