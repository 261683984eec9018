"""Tiers of integrations: what is known of one, and the one rule that makes a tier of it."""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple


class Tier(StrEnum):
    """How much is proven about an integration; each includes the one before."""

    BRONZE = "bronze"  # checks are clean, and its own tests pass
    SILVER = "silver"  # everything that people read is there and fresh
    GOLD = "gold"  # no fault of a remote becomes a full, quiet success
    PLATINUM = "platinum"  # every verdict is tested, and what it needs is pinned


class Facts(NamedTuple):
    """What is known of an integration; None: it was not found out, which counts as missing."""

    check_errors: int | None = None
    check_warnings: int | None = None
    secrets_found: int | None = None
    tests_passed: int = 0
    tests_failed: int = 0
    undescribed_tasks: Sequence[str] = ()  # without title or description
    undescribed_properties: Sequence[str] = ()  # of the manifest's schema
    is_page_fresh: bool | None = None
    declares_hosts: bool = False
    unproven_collectors: Sequence[str] = ()  # without exchanges and without whole server tests
    quiet_cells: Sequence[str] | None = None  # of the fault matrix
    untested_verdicts: Sequence[str] = ()  # as `old_keys: unknown`
    unpinned: Sequence[str] = ()  # requirements


class Standing(NamedTuple):
    """The tier that the facts amount to, and what is missing for the next one."""

    tier: Tier | None
    next: Tier | None
    missing: tuple[str, ...]


def standing_of(facts: Facts) -> Standing:
    """Return how far the facts reach."""
    reached: Tier | None = None
    for tier, wants in (
        (Tier.BRONZE, _for_bronze),
        (Tier.SILVER, _for_silver),
        (Tier.GOLD, _for_gold),
        (Tier.PLATINUM, _for_platinum),
    ):
        missing = tuple(wants(facts))
        if missing:
            return Standing(reached, tier, missing)
        reached = tier
    return Standing(reached, None, ())


def _for_bronze(facts: Facts) -> Iterator[str]:
    if facts.check_errors is None:
        yield "`trueline check` was not run"
    elif facts.check_errors:
        yield f"`trueline check` finds {_counted(facts.check_errors, 'error')}"
    if facts.tests_failed:
        yield f"{_counted(facts.tests_failed, 'test')} failed"
    if not facts.tests_passed:
        yield "it has no test of its own that passes: add tests/test_*.py"


def _for_silver(facts: Facts) -> Iterator[str]:
    yield from _named("tasks without title or description", facts.undescribed_tasks)
    yield from _named("settings without description", facts.undescribed_properties)
    if not facts.is_page_fresh:
        yield "its page under docs/integrations/ is missing or stale: run `trueline docs`"
    if not facts.declares_hosts:
        yield "its manifest entry declares no `hosts` (an empty list counts)"


def _for_gold(facts: Facts) -> Iterator[str]:
    yield from _named(
        "collectors without recorded exchanges and without whole server tests",
        facts.unproven_collectors,
    )
    if facts.quiet_cells is None:
        yield "the fault matrix was not run: `trueline test NAME --faults`"
    else:
        yield from _named("faults that became a quiet success", facts.quiet_cells)


def _for_platinum(facts: Facts) -> Iterator[str]:
    yield from _named("verdicts that no test has seen", facts.untested_verdicts)
    yield from _named("requirements without ==", facts.unpinned)
    if facts.check_warnings is None:
        yield "the warnings of `trueline check` are not known"
    elif facts.check_warnings:
        yield f"`trueline check` finds {_counted(facts.check_warnings, 'warning')}"
    if facts.secrets_found is None:
        yield "it was not looked for secrets in its files"
    elif facts.secrets_found:
        yield f"{_counted(facts.secrets_found, 'secret')} in its files"


def _named(what: str, names: Sequence[str]) -> Iterator[str]:
    if names:
        more = f" and {len(names) - 5} more" if len(names) > 5 else ""
        yield f"{what}: {', '.join(names[:5])}{more}"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
