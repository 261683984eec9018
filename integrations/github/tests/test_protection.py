from typing import Any

import pytest

from integrations.github.protection import protection_of
from integrations.github.refusal import Refusal

NOT_PROTECTED = Refusal(404, "Branch not protected")
NO_PLAN = Refusal(403, "Upgrade to GitHub Pro or make this repository public to enable it.")
UNSEEN = Refusal(403, "Resource not accessible by integration")
CLASSIC = {
    "required_pull_request_reviews": {"required_approving_review_count": 1},
    "allow_force_pushes": {"enabled": True},
}


def rule(kind: str, **parameters: Any) -> dict[str, Any]:
    return {"type": kind, "parameters": parameters}


@pytest.mark.parametrize(
    ("classic", "rules", "protected", "reviews", "force_pushes"),
    [
        (NOT_PROTECTED, [], False, 0, True),
        (NO_PLAN, NO_PLAN, False, 0, True),
        (NOT_PROTECTED, [rule("commit_message_pattern")], False, 0, True),
        (CLASSIC, [], True, 1, True),
        ({"enforce_admins": {"enabled": True}}, [], True, 0, False),
        (CLASSIC, [rule("non_fast_forward")], True, 1, False),
        (CLASSIC, [rule("pull_request", required_approving_review_count=2)], True, 2, True),
        (NOT_PROTECTED, [rule("update")], True, 0, False),
    ],
)
def test_what_one_allows_the_other_may_forbid(
    classic: Any, rules: Any, protected: bool, reviews: int, force_pushes: bool
) -> None:
    assert protection_of(classic, rules) == {
        "empty": False,
        "protected": protected,
        "reviews": reviews,
        "force_pushes": force_pushes,
    }


def test_a_branch_that_is_not_there_yet_is_empty() -> None:
    found = protection_of(Refusal(404, "Branch not found"), [])
    assert isinstance(found, dict)
    assert found["empty"]


@pytest.mark.parametrize(("classic", "rules"), [(UNSEEN, []), (CLASSIC, UNSEEN)])
def test_half_of_it_is_not_enough(classic: Any, rules: Any) -> None:
    assert protection_of(classic, rules) == UNSEEN
