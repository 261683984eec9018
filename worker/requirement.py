"""One requirement in normal form: the package, its versions, its hashes and its line."""

import re
from collections.abc import Iterable
from typing import Self

import packaging.requirements
from packaging.utils import canonicalize_name

HASH_OPTION = re.compile(r"\s+--hash(?:=|\s+)(\S+)")


class Requirement(str):
    """One requirement in normal form; `line` is where requirements.txt has it, from 1."""

    __slots__ = ("line", "parsed", "sha256")
    line: int
    parsed: packaging.requirements.Requirement
    sha256: tuple[str, ...]

    def __new__(cls, text: str, line: int = 0) -> Self:
        """Parse one logical line; raises ValueError for what is not a PEP 508 requirement."""
        parsed = packaging.requirements.Requirement(HASH_OPTION.sub("", text).strip())
        parsed.name = canonicalize_name(parsed.name)
        hashes = tuple(sorted(set(HASH_OPTION.findall(text))))
        made = super().__new__(cls, " ".join([str(parsed), *(f"--hash={one}" for one in hashes)]))
        made.line, made.parsed, made.sha256 = line, parsed, hashes
        return made

    @property
    def name(self) -> str:
        """The package's name in its canonical form."""
        return self.parsed.name

    @property
    def bare(self) -> str:
        """The requirement without its hashes."""
        return str(self.parsed)

    @property
    def applies(self) -> bool:
        """Whether its marker holds for this Python on this machine."""
        return self.parsed.marker is None or self.parsed.marker.evaluate()

    @property
    def pinned(self) -> str | None:
        """The one version that it allows, when it names one."""
        for specifier in self.parsed.specifier:
            if specifier.operator == "===" or (
                specifier.operator == "==" and not specifier.version.endswith(".*")
            ):
                return specifier.version
        return None


def as_requirements(lines: Iterable[str]) -> tuple[Requirement, ...]:
    """Take requirements that were read before, or plain strings whose lines are not known."""
    return tuple(line if isinstance(line, Requirement) else Requirement(line) for line in lines)


def contradict(one: Requirement, other: Requirement) -> bool:
    """Tell whether two lines for one package exclude each other, as far as pins alone show it."""
    if one.name != other.name or not (one.applies and other.applies):
        return False
    return any(
        pin is not None and not specifier.contains(pin, prereleases=True)
        for pin, specifier in (
            (one.pinned, other.parsed.specifier),
            (other.pinned, one.parsed.specifier),
        )
    )
