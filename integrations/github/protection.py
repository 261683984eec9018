"""What protects a branch: classic protection and rulesets, put together."""

from collections.abc import Iterable, Mapping
from typing import Any

from integrations.github.refusal import NO_BRANCH, NOT_PROTECTED, PLAN_LACKS_IT, Refusal

Rules = list[Any]
# A rule of another kind, such as one on commit messages, keeps nobody from pushing.
_PROTECTING = frozenset(
    {
        "deletion",
        "merge_queue",
        "non_fast_forward",
        "pull_request",
        "required_deployments",
        "required_status_checks",
        "update",
    }
)


def protection_of(classic: Any, rules: Rules | Refusal) -> dict[str, Any] | Refusal:
    """Return what both say together; a refusal where one of them cannot be seen.

    Both are needed: what one allows, the other may forbid.
    """
    if isinstance(classic, Refusal):
        if classic.says(NO_BRANCH):
            return _found({}, [], empty=True)
        if not classic.says(NOT_PROTECTED) and not classic.says(PLAN_LACKS_IT):
            return classic
        classic = {}
    if isinstance(rules, Refusal):
        if not rules.says(PLAN_LACKS_IT):
            return rules
        rules = []
    return _found(classic, rules)


def _found(classic: Mapping[str, Any], rules: Rules, *, empty: bool = False) -> dict[str, Any]:
    kinds = {rule["type"] for rule in rules}
    return {
        "empty": empty,
        "protected": bool(classic) or bool(kinds & _PROTECTING),
        "reviews": max([_classic_reviews(classic), *_ruled_reviews(rules)]),
        "force_pushes": _may_force(classic) and not kinds & {"non_fast_forward", "update"},
    }


def _classic_reviews(classic: Mapping[str, Any]) -> int:
    wanted = classic.get("required_pull_request_reviews") or {}
    return int(wanted.get("required_approving_review_count") or 0)


def _ruled_reviews(rules: Iterable[Mapping[str, Any]]) -> Iterable[int]:
    for rule in rules:
        if rule["type"] == "pull_request":
            yield int((rule.get("parameters") or {}).get("required_approving_review_count") or 0)


def _may_force(classic: Mapping[str, Any]) -> bool:
    """Classic protection refuses force pushes unless it says otherwise."""
    return not classic or bool((classic.get("allow_force_pushes") or {}).get("enabled"))
