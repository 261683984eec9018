"""Turns what uv or pip printed into a cause, the requirement at fault and the fix."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from utils.addresses import without_logins
from worker.build_failure import BuildCause, BuildFailed
from worker.controls import neutralise
from worker.requirement import Requirement

TAIL_CHARACTERS = 4000

_ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
_ERROR = re.compile(r"(?m)^error:|^ERROR:|^The conflict is caused by")
_LINE = re.compile(r"-r requirements\.txt \(line (\d+)\)")

# The first that matches decides; later ones are weaker signs.
_SIGNS = (
    (BuildCause.DISK_FULL, r"No space left on device|Disk quota exceeded|os error 28\b"),
    (BuildCause.HASH_MISMATCH, r"Hash mismatch|DO NOT MATCH THE HASHES"),
    (BuildCause.INDEX_UNREACHABLE, r"Failed to fetch|error sending request|dns error"),
    (BuildCause.INDEX_UNREACHABLE, r"network was disabled|client error \(Connect\)"),
    (BuildCause.INDEX_UNREACHABLE, r"WARNING: Retrying \(|Could not fetch URL"),
    (BuildCause.NO_WHEEL, r"no usable wheels|no wheels with a matching|No usable wheel of"),
    (BuildCause.NOT_FOUND, r"was not found in the package registry"),
    (BuildCause.CONFLICT, r"ResolutionImpossible|depends on|are incompatible"),
    (BuildCause.NOT_FOUND, r"there (?:is|are) no versions? of|No matching distribution found"),
    (BuildCause.NOT_FOUND, r"(?:only|versions of) .* (?:is|are) available"),
    (BuildCause.CONFLICT, r"requirements are unsatisfiable"),
)

_PUSH = "and push; the next sync builds it"
_ADVICE = {
    BuildCause.NOT_FOUND: f"correct the name or the version {_PUSH}",
    BuildCause.CONFLICT: f"loosen one of the requirements that the worker's log names {_PUSH}",
    BuildCause.NO_WHEEL: f"choose a version that has a wheel for this platform {_PUSH}; or let the"
    " operator name the integration in TRUELINE_SOURCE_BUILDS",
    BuildCause.HASH_MISMATCH: "find out who changed the file before you trust it; when the change"
    f" is meant, name the version that you checked {_PUSH}",
    BuildCause.INDEX_UNREACHABLE: "check the network, the proxy and UV_DEFAULT_INDEX of the worker;"
    " the next sync tries again",
    BuildCause.DISK_FULL: "make room below TRUELINE_DATA_DIR; the next sync tries again",
    BuildCause.TIMEOUT: "raise TRUELINE_BUILD_TIMEOUT_SECONDS, or find out in the worker's log what"
    " is slow; the next sync tries again",
    BuildCause.UNKNOWN: "read in the worker's log what the tools said; the next sync tries again",
}
_PROBLEMS = {
    BuildCause.NOT_FOUND: "the index has no {subject}",
    BuildCause.CONFLICT: "{subject} cannot be installed together with the other requirements",
    BuildCause.NO_WHEEL: "there is no wheel of {subject} for this Python and platform",
    BuildCause.HASH_MISMATCH: "a file of {subject} is not the one that was locked",
    BuildCause.INDEX_UNREACHABLE: "the package index cannot be reached",
    BuildCause.DISK_FULL: "the disk is full",
    BuildCause.TIMEOUT: "its environment was not built in time",
    BuildCause.UNKNOWN: "its environment cannot be built",
}


@dataclass(frozen=True)
class Order:
    """Whose environment is built, from which requirements."""

    integration: str
    requirements: tuple[Requirement, ...]
    base: tuple[Requirement, ...]

    def failure(self, cause: BuildCause, output: str = "") -> BuildFailed:
        """Make the error for a known cause; the output may show which requirement is at fault."""
        blamed = _blamed(output, self.requirements) if cause in _WITH_SUBJECT else None
        ours = _blamed(output, self.base) if cause is BuildCause.CONFLICT else None
        subject = repr(blamed.bare) if blamed else _other_subject(output)
        problem = _PROBLEMS[cause].format(subject=subject)
        if ours:
            problem += f"; {ours.bare!r} is a base requirement that every environment has"
        return BuildFailed(
            self.integration,
            cause,
            problem,
            _ADVICE[cause],
            line=blamed.line if blamed and blamed.line else None,
            log_tail=clean_tail(output),
        )

    def foreign_hash(self, requirement: Requirement) -> BuildFailed:
        """Make the error for a hash in requirements.txt that no file of the index has."""
        return BuildFailed(
            self.integration,
            BuildCause.HASH_MISMATCH,
            f"the index has no file of {requirement.bare!r} with the hash given",
            f"compare the hash with the one that the package's authors publish, correct it {_PUSH}",
            line=requirement.line or None,
        )

    def diagnosed(self, output: str) -> BuildFailed:
        """Make the error for what a tool printed before it gave up."""
        text = _ANSI.sub("", output)
        signs = (cause for cause, sign in _SIGNS if re.search(sign, text))
        return self.failure(next(signs, BuildCause.UNKNOWN), text)


_WITH_SUBJECT = frozenset(
    {
        BuildCause.NOT_FOUND,
        BuildCause.CONFLICT,
        BuildCause.NO_WHEEL,
        BuildCause.HASH_MISMATCH,
    }
)


def clean_tail(output: str) -> str:
    """Return the end of a log for people: bounded, no control characters, no credentials."""
    text = neutralise(without_logins(_ANSI.sub("", output))).strip()
    if len(text) <= TAIL_CHARACTERS:
        return text
    mark = "[...] "
    return mark + text[len(mark) - TAIL_CHARACTERS :].partition("\n")[2]


def _blamed(output: str, requirements: Sequence[Requirement]) -> Requirement | None:
    """Find the requirement that the output speaks of first, once it speaks of an error."""
    error = _ERROR.search(output)
    output = output[error.start() :] if error else output
    if line := _LINE.search(output):
        for requirement in requirements:
            if requirement.line == int(line[1]):
                return requirement
    found = [
        (match.start(), requirement)
        for requirement in requirements
        if (match := re.search(_name_pattern(requirement.name), output, re.IGNORECASE))
    ]
    return min(found, key=lambda one: one[0])[1] if found else None


def _name_pattern(name: str) -> str:
    spelled = re.escape(name).replace(r"\-", "[-_.]+")
    return rf"(?<![\w.-]){spelled}(?![\w-])"


def _other_subject(output: str) -> str:
    """Name a package that no line of requirements.txt names, one that was asked for by another."""
    match = re.search(
        r"(?:Because|Hash mismatch for|No usable wheel of|distribution found for|there is no"
        r" version of) `?([A-Za-z0-9][\w.-]*(?:==[\w.!+]+)?)",
        output,
    )
    return repr(match[1]) if match else "a package"
