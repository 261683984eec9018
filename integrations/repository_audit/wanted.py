"""One requirement of the audited repository: what it asks for, and how firmly."""

import re
from dataclasses import dataclass, replace
from enum import StrEnum

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

ADDRESS = re.compile(r"(?:[a-z][a-z+]*:|\.{0,2}/|\.{1,2}(?:\[|$))", re.IGNORECASE)
LOCAL = re.compile(r"(?:file:|\.|/)", re.IGNORECASE)
VCS = re.compile(r"(?:git|hg|svn|bzr)\+", re.IGNORECASE)
VCS_COMMIT = re.compile(r"@[0-9a-f]{40}(?:#.*)?$")
USER_OF_ADDRESS = re.compile(r"(?<=//)[^/@\s]*@")
SHOWN_CHARACTERS = 200


class Origin(StrEnum):
    """Where a requirement stands."""

    REQUIREMENTS = "requirements"  # a file that pip installs from
    CONSTRAINTS = "constraints"  # limits on what other files ask for
    PROJECT = "project"  # a package's own metadata, groups included
    BUILD = "build"  # what building the package needs


@dataclass(frozen=True)
class Place:
    """Where a requirement was read; `group` names an optional or dependency group."""

    path: str
    line: int
    origin: Origin
    group: str = ""


@dataclass(frozen=True)
class Wanted:
    """One requirement, without any credentials of its address.

    `name` is empty where an address stands alone; `problem` says why a line cannot be read.
    """

    place: Place
    text: str
    name: str = ""
    specifier: str = ""
    pinned: bool = False
    hashed: bool = False
    local: bool = False
    problem: str = ""


def parse_wanted(text: str, place: Place, *, hashed: bool = False) -> Wanted:
    """Read one requirement, as pip does; what is not one comes back with its `problem`."""
    shown = USER_OF_ADDRESS.sub("", text)[:SHOWN_CHARACTERS]
    wanted = Wanted(place, shown, hashed=hashed or "#sha256=" in text)
    if ADDRESS.match(text) or LOCAL.match(text):
        local = LOCAL.match(text) is not None
        return replace(wanted, local=local, specifier=shown, pinned=_is_fixed_address(text))
    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        return replace(wanted, problem=str(error).partition("\n")[0])
    return replace(
        wanted,
        name=canonicalize_name(requirement.name),
        specifier=USER_OF_ADDRESS.sub("", requirement.url or str(requirement.specifier)),
        local=requirement.url is not None and LOCAL.match(requirement.url) is not None,
        pinned=_is_pinned(requirement),
    )


def _is_pinned(requirement: Requirement) -> bool:
    if requirement.url:
        return _is_fixed_address(requirement.url)
    return any(
        part.operator == "===" or (part.operator == "==" and not part.version.endswith(".*"))
        for part in requirement.specifier
    )


def _is_fixed_address(address: str) -> bool:
    """Whether the address always gives the same: an archive, or a commit of a repository."""
    return VCS.match(address) is None or VCS_COMMIT.search(address) is not None
