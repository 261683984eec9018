"""What the checks of a repository say of one integration, as far as its tier asks for it."""

from pathlib import Path

from cli.check import rules
from cli.check.checking import check_integration
from cli.check.finding import Level
from cli.quality_facts import Checked
from cli.reading.repository import Repository


def checked_integration(checkout: Path, name: str) -> Checked:
    """Return what `trueline check` finds; that quality.json is stale does not count.

    It is written anew by what asks here.
    """
    found = [
        finding
        for finding in check_integration(Repository(checkout), name)
        if finding.rule is not rules.QUALITY_STALE
    ]
    return Checked(
        errors=sum(finding.rule.level is Level.ERROR for finding in found),
        warnings=sum(finding.rule.level is Level.WARNING for finding in found),
        secrets=sum(finding.rule is rules.SECRET_IN_CODE for finding in found),
        is_page_fresh=all(finding.rule is not rules.PAGE_STALE for finding in found),
    )
