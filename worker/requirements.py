"""Reads an integration's requirements.txt: checked lines in one normal form each."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NoReturn

from utils.addresses import without_logins
from worker.build_failure import BuildCause, BuildFailed
from worker.requirement import HASH_OPTION, Requirement, contradict

LIMIT_BYTES = 256 * 1024
BASE_PATH = Path(__file__).with_name("base_requirements.txt")

_COMMENT = re.compile(r"(^|\s+)#.*$")
_SHA256 = re.compile(r"sha256:[0-9a-f]{64}")
_OPTION = re.compile(r"(?:^|\s)(--?[A-Za-z][\w-]*)")
_URL = re.compile(r"^(\w[\w.\[\], -]*@\s*)?[A-Za-z][A-Za-z0-9+.-]*:")
_PATH = re.compile(r"^(\.|/|~)|[/\\]|\.(whl|zip|tar\.gz|tgz)$")

_INDEX_FIX = "remove it; the worker's operator says where packages come from (UV_DEFAULT_INDEX)"
_FIXES = {
    "-r": "put the lines of that file here",
    "--requirement": "put the lines of that file here",
    "-e": "put the code into the integration's folder, or publish it as a package",
    "--editable": "put the code into the integration's folder, or publish it as a package",
    "-c": "write the bounds into the requirement itself, as name>=1,<2",
    "--constraint": "write the bounds into the requirement itself, as name>=1,<2",
    "-i": _INDEX_FIX,
    "--index-url": _INDEX_FIX,
    "--extra-index-url": _INDEX_FIX,
    "--no-index": _INDEX_FIX,
    "-f": _INDEX_FIX,
    "--find-links": _INDEX_FIX,
    "--trusted-host": _INDEX_FIX,
}


def read_requirements(path: Path, integration: str) -> tuple[Requirement, ...]:
    """Read and check `path`; a missing file means no requirements.

    Raises BuildFailed that names the integration, the line and the fix.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise BuildFailed(
            integration,
            BuildCause.BAD_REQUIREMENT,
            f"requirements.txt cannot be read: {error.strerror}",
            "make it a plain text file and push",
        ) from error
    return parse_requirements(_decode(content, integration), integration)


def read_base_requirements(path: Path = BASE_PATH) -> tuple[Requirement, ...]:
    """Read what every environment has beside an integration's own requirements."""
    return read_requirements(path, "(base requirements)")


def parse_requirements(text: str, integration: str) -> tuple[Requirement, ...]:
    """Check the lines of a requirements.txt; equal lines count once."""
    found: dict[str, Requirement] = {}
    for number, line in _logical_lines(text):
        requirement = _parse_line(line, number, integration)
        found.setdefault(requirement, requirement)
    requirements = tuple(found.values())
    for index, later in enumerate(requirements):
        for earlier in requirements[:index]:
            if contradict(earlier, later):
                _refuse(
                    integration,
                    later.line,
                    f"{later.bare!r} contradicts {earlier.bare!r} in line {earlier.line}",
                    "keep one of the two lines and push",
                    BuildCause.CONFLICT,
                )
    return requirements


def check_against_base(
    requirements: Sequence[Requirement], base: Sequence[Requirement], integration: str
) -> None:
    """Refuse a requirement that no version allowed by the base requirements meets."""
    for requirement in requirements:
        for ours in base:
            if contradict(ours, requirement):
                _refuse(
                    integration,
                    requirement.line,
                    f"{requirement.bare!r} contradicts the base requirement {ours.bare!r}"
                    " that every environment has",
                    f"ask for a version within {ours.bare!r}, or remove the line, and push",
                    BuildCause.CONFLICT,
                )


def _decode(content: bytes, integration: str) -> str:
    if len(content) > LIMIT_BYTES:
        raise BuildFailed(
            integration,
            BuildCause.BAD_REQUIREMENT,
            f"requirements.txt has {len(content)} bytes, over the limit of {LIMIT_BYTES}",
            "list only what the integration imports and push",
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        _refuse(integration, line, "is not UTF-8 text", "save the file as UTF-8 and push")


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield each line's number and text, without comments, continued lines joined."""
    joined, first = "", 0
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.rstrip("\r")
        comment = _COMMENT.search(line)
        continued = comment is None and line.endswith("\\")
        first = first or number
        joined += line[: comment.start()] if comment else line.removesuffix("\\")
        if continued:
            continue
        if joined.strip():
            yield first, joined.strip()
        joined, first = "", 0
    if joined.strip():
        yield first, joined.strip()


def _parse_line(line: str, number: int, integration: str) -> Requirement:
    shown = line if len(line) <= 120 else f"{line[:117]}..."
    rest = HASH_OPTION.sub("", f" {line}").strip()
    if option := _OPTION.search(rest):
        name = option[1]
        fix = _FIXES.get(name, "remove it; only `--hash=sha256:...` may follow a requirement")
        _refuse(integration, number, f"option {name} is not allowed here", f"{fix}, and push")
    if _URL.match(rest) or _PATH.search(rest.partition(";")[0].strip()):
        _refuse(
            integration,
            number,
            f"{without_logins(shown)!r} is an address or a path, not a package of the index",
            "name a package and its version, as name==1.2.3, and push",
        )
    try:
        requirement = Requirement(line, number)
    except ValueError as error:
        problem = str(error).split("\n", 1)[0]
        _refuse(
            integration,
            number,
            f"{shown!r} is not a requirement ({problem})",
            "write it as name, name==1.2.3 or name>=1,<2, and push",
        )
    _check_hashes(requirement, integration)
    return requirement


def _check_hashes(requirement: Requirement, integration: str) -> None:
    for given in requirement.sha256:
        if not _SHA256.fullmatch(given):
            _refuse(
                integration,
                requirement.line,
                f"{given!r} is not a hash that can be checked",
                "write --hash=sha256: and 64 lower-case hexadecimal digits, and push",
            )
    if requirement.sha256 and requirement.pinned is None:
        _refuse(
            integration,
            requirement.line,
            f"{requirement.bare!r} has a hash and no exact version",
            "name the version that the hash belongs to, as name==1.2.3, and push",
        )


def _refuse(
    integration: str,
    line: int,
    problem: str,
    advice: str,
    cause: BuildCause = BuildCause.BAD_REQUIREMENT,
) -> NoReturn:
    raise BuildFailed(integration, cause, problem, advice, line=line or None)
