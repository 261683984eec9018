"""Tests of the rule that makes a tier of facts."""

from typing import Any

import pytest

from utils.tiers import Facts, Tier, standing_of

PROVEN = Facts(
    check_errors=0,
    check_warnings=0,
    secrets_found=0,
    tests_passed=3,
    is_page_fresh=True,
    declares_hosts=True,
    quiet_cells=(),
)


def test_all_that_is_asked_for_is_platinum_with_nothing_missing() -> None:
    assert standing_of(PROVEN) == (Tier.PLATINUM, None, ())


def test_an_integration_of_which_nothing_is_known_has_no_tier() -> None:
    standing = standing_of(Facts())

    assert (standing.tier, standing.next) == (None, Tier.BRONZE)
    assert "was not run" in standing.missing[0]


@pytest.mark.parametrize(
    ("change", "reached", "told"),
    [
        ({"check_errors": 2}, None, "2 errors"),
        ({"tests_passed": 0}, None, "no test of its own"),
        ({"tests_failed": 1}, None, "1 test failed"),
        ({"undescribed_tasks": ("old_keys",)}, Tier.BRONZE, "old_keys"),
        ({"undescribed_properties": ("/token",)}, Tier.BRONZE, "/token"),
        ({"is_page_fresh": False}, Tier.BRONZE, "trueline docs"),
        ({"declares_hosts": False}, Tier.BRONZE, "hosts"),
        ({"unproven_collectors": ("list_keys",)}, Tier.SILVER, "list_keys"),
        ({"quiet_cells": None}, Tier.SILVER, "was not run"),
        ({"quiet_cells": ("0001 x 500",)}, Tier.SILVER, "0001 x 500"),
        ({"untested_verdicts": ("old_keys: unknown",)}, Tier.GOLD, "old_keys: unknown"),
        ({"unpinned": ("boto3>=1",)}, Tier.GOLD, "boto3>=1"),
        ({"check_warnings": 1}, Tier.GOLD, "1 warning"),
        ({"check_warnings": None}, Tier.GOLD, "not known"),
        ({"secrets_found": 1}, Tier.GOLD, "1 secret"),
        ({"secrets_found": None}, Tier.GOLD, "secrets"),
    ],
)
def test_each_missing_thing_keeps_the_tier_below_and_is_told(
    change: dict[str, Any], reached: Tier | None, told: str
) -> None:
    standing = standing_of(PROVEN._replace(**change))

    assert standing.tier is reached
    assert told in standing.missing[0]


def test_a_long_list_is_told_by_its_beginning() -> None:
    standing = standing_of(PROVEN._replace(unpinned=tuple("abcdefgh")))

    assert standing.missing == ("requirements without ==: a, b, c, d, e and 3 more",)
