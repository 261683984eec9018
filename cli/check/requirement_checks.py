"""Checks of requirements.txt: lines that a build refuses, and versions that are left open."""

from collections.abc import Iterator

from cli.check import rules
from cli.check.finding import Finding
from cli.check.subject import Subject, found
from worker.build_failure import BuildFailed
from worker.requirements import check_against_base, parse_requirements, read_base_requirements

FILE = "requirements.txt"


def requirement_findings(subject: Subject) -> Iterator[Finding]:
    """Check the requirements of one integration; a missing file is fine."""
    file = subject.folder.file(FILE)
    if file is None or file.trouble:
        return
    name = subject.folder.name
    try:
        requirements = parse_requirements(file.text, name)
        check_against_base(requirements, read_base_requirements(), name)
    except BuildFailed as error:
        fix = error.advice.removesuffix(", and push").removesuffix(" and push")
        what = error.reason.partition(f"line {error.line}: ")[2] or error.reason
        yield found(rules.REQUIREMENT_INVALID, file, error.line or 1, what, fix)
        return
    for requirement in requirements:
        if requirement.pinned is None:
            what = f"{requirement.bare!r} names no exact version"
            fix = f"write {requirement.name}== and the version that you tested"
            yield found(rules.REQUIREMENT_UNPINNED, file, requirement.line, what, fix)
