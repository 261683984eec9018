"""Requirements and constraints files of the audited repository, read as pip reads them."""

import posixpath
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from integrations.repository_audit.wanted import Origin, Place, Wanted, parse_wanted

PIP_FILE = re.compile(r"(?:.*[-_.])?(?:requirements|constraints)(?:[-_.].*)?\.txt")
PIP_FOLDERS = frozenset({"requirements", "constraints"})
COMMENT = re.compile(r"(?:^|\s)#.*$")
OPTION_AFTER = re.compile(r"\s--?[a-z].*$")
EDITABLE = re.compile(r"(?:-e|--editable)[\s=]+")
INCLUDE = re.compile(r"(?:--(?:requirement|constraint)[\s=]+|-[rc]\s*)(?P<path>\S.*)")


def is_pip_file(path: str) -> bool:
    """Whether pip would be given this file: a list of requirements or constraints."""
    if not path.lower().endswith(".txt"):
        return False
    where = PurePosixPath(path.lower())
    if where.parent.name in PIP_FOLDERS:
        return True
    return PIP_FILE.fullmatch(where.name) is not None


def read_pip_file(path: str, text: str) -> list[Wanted]:
    """Return every requirement of a requirements or constraints file."""
    where = PurePosixPath(path.lower())
    limits = "constraints" in where.name or where.parent.name == "constraints"
    origin = Origin.CONSTRAINTS if limits else Origin.REQUIREMENTS
    found = []
    for number, line in _logical_lines(text):
        bare = OPTION_AFTER.sub("", EDITABLE.sub("", line)).strip()
        if bare and not bare.startswith("-"):
            place = Place(path, number, origin)
            found.append(parse_wanted(bare, place, hashed="--hash=" in line))
    return found


def included_files(path: str, text: str) -> list[str]:
    """Return the files that a pip file includes, as paths from the repository's root."""
    folder = posixpath.dirname(path)
    names = [
        match["path"].strip()
        for _, line in _logical_lines(text)
        if (match := INCLUDE.fullmatch(line)) is not None
    ]
    paths = [posixpath.normpath(posixpath.join(folder, name)) for name in names]
    return [path for path in paths if not path.startswith(("../", "/"))]


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield lines as pip joins them, with the number of the first one, without comments."""
    parts: list[str] = []
    start = 1
    for number, line in enumerate([*text.removeprefix("\ufeff").splitlines(), ""], 1):
        start = start if parts else number
        if line.endswith("\\"):
            parts.append(line[:-1])
            continue
        whole = COMMENT.sub("", "".join([*parts, line])).strip()
        parts.clear()
        if whole:
            yield start, whole
