"""What the exit codes of `trueline` mean, and when violations change them."""

from collections.abc import Iterable, Mapping
from enum import IntEnum
from typing import Any

import click

from utils.tasks import Severity

SEVERITIES = tuple(severity.value for severity in Severity)


class Exit(IntEnum):
    """The exit codes; scripts rely on them."""

    FINE = 0
    VIOLATIONS = 1  # at or over --fail-on; a check that found something
    USAGE = 2
    FAILED = 3  # a run failed, or the API could not be reached
    INTERRUPTED = 130


FAILED_ENDS = frozenset({"failed", "cancelled"})  # of a job: it says nothing of the system
UNFINE_ENDS = FAILED_ENDS | {"partial"}  # some task could not look: no violation is not a pass

fail_on_option = click.option(
    "--fail-on",
    type=click.Choice(SEVERITIES),
    help="Exit with 1 when there is an open violation of this severity or a higher one.",
)


def exit_for_violations(violations: Iterable[Mapping[str, Any]], fail_on: str | None) -> Exit:
    """Return VIOLATIONS when an open violation reaches `fail_on`, else FINE."""
    if fail_on is None:
        return Exit.FINE
    least = SEVERITIES.index(fail_on)
    reached = any(
        SEVERITIES.index(violation["severity"]) >= least
        for violation in violations
        if violation.get("status", "open") == "open"
    )
    return Exit.VIOLATIONS if reached else Exit.FINE


def exit_for_run(status: str, violations: Iterable[Mapping[str, Any]], fail_on: str | None) -> Exit:
    """Return the code of a run that ended with `status` and left these violations open.

    A run that is partial found at least what it found, so violations count first.
    """
    if status in FAILED_ENDS:
        return Exit.FAILED
    code = exit_for_violations(violations, fail_on)
    return Exit.FAILED if code is Exit.FINE and status in UNFINE_ENDS else code
