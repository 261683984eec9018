"""Each insight: what it passes, what it reports under which id, and when it cannot tell."""

from datetime import UTC, datetime
from typing import Any, NamedTuple

import pytest

from utils.testing import Run, run_task

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
CONFIG = {"token": "t", "organisation": "acme"}
RECENT, OLD = "2026-11-01T08:00:00Z", "2024-02-03T04:05:06Z"


def row(found: Any, name: str = "acme/shop") -> dict[str, Any]:
    return {"repository": name, "state": "seen", "reason": None, "found": found}


def off(name: str = "acme/site") -> dict[str, Any]:
    return {"repository": name, "state": "off", "reason": "403 they are disabled", "found": None}


def rows(*found: Any, key: str = "repositories") -> dict[str, Any]:
    return {key: [row(one) for one in found]}


def branch(**changes: Any) -> dict[str, Any]:
    sound = {"protected": True, "reviews": 1, "force_pushes": False, "empty": False}
    return rows({"branch": "main", **sound, **changes}, key="branches")


def person(login: str, role: str, *, outside: bool) -> dict[str, Any]:
    return {"login": login, "role": role, "outside": outside}


def alert(severity: str, created_at: str, fixed_in: str | None = "2.0.1") -> dict[str, Any]:
    return {
        "number": 3,
        "package": "left-pad",
        "ecosystem": "pip",
        "manifest": "requirements.txt",
        "severity": severity,
        "advisory": "GHSA-aaaa-bbbb-cccc",
        "fixed_in": fixed_in,
        "created_at": created_at,
        "url": "https://github.com/acme/shop/security/dependabot/3",
    }


def secret(validity: str) -> dict[str, Any]:
    url = "https://github.com/acme/shop/security/secret-scanning/1"
    kind = {"kind": "Adafruit IO Key", "created_at": OLD, "url": url, "is_public": True}
    return {"number": 1, "validity": validity, **kind}


def key(last_used: str | None, created_at: str = OLD, *, read_only: bool = True) -> dict[str, Any]:
    times = {"created_at": created_at, "last_used": last_used}
    return {"id": 41, "title": "release", "read_only": read_only, "added_by": "dana", **times}


def token(last_used: str | None, expires_at: str | None, token_id: str = "fine-grained:62") -> Any:
    return {
        "id": token_id,
        "kind": "fine-grained token",
        "owner": "lee",
        "name": "try out",
        "last_used": last_used,
        "expires_at": expires_at,
        "lasts": expires_at is None,
    }


def hook(**changes: Any) -> dict[str, Any]:
    sound = {"https": True, "checks_certificate": True, "has_secret": True, "active": True}
    return {"id": 51, "host": "ci.example.com", **sound, **changes}


def repository(visibility: str = "private", *, archived: bool = False) -> dict[str, Any]:
    return {
        "full_name": "acme/shop",
        "visibility": visibility,
        "archived": archived,
        "pushed_at": RECENT,
        "url": "https://github.com/acme/shop",
    }


def policy(allowed: str, organisation: str | None = None) -> dict[str, Any]:
    own = row({"enabled": True, "allowed": organisation}, "acme") if organisation else None
    return {"organisation": own} | rows({"enabled": True, "allowed": allowed})


class Case(NamedTuple):
    """What one insight passes and what it fails; `allowed` is a config that excuses that."""

    reads: str
    good: Any
    bad: Any
    ids: set[str]
    allowed: dict[str, Any] = {}  # noqa: RUF012 - never changed


CASES = {
    "default_branch_protected": Case(
        "read_branch_protection",
        branch(),
        branch(protected=False),
        {"acme/shop:main"},
        {"allowed_unprotected": ["Acme/Shop"]},
    ),
    "default_branch_reviewed": Case(
        "read_branch_protection",
        branch(),
        branch(reviews=0),
        {"acme/shop:main"},
        {"allowed_unprotected": ["acme/shop"]},
    ),
    "default_branch_keeps_history": Case(
        "read_branch_protection",
        branch(),
        branch(force_pushes=True),
        {"acme/shop:main"},
        {"allowed_unprotected": ["acme/shop"]},
    ),
    "outside_collaborators": Case(
        "list_collaborators",
        rows([person("kim", "pull", outside=True), person("dana", "admin", outside=False)]),
        rows([person("kim", "admin", outside=True)]),
        {"acme/shop:kim"},
        {"allowed_collaborators": ["Kim"]},
    ),
    "few_administrators": Case(
        "list_collaborators",
        rows([person(f"p{number}", "admin", outside=False) for number in range(5)]),
        rows([person(f"p{number}", "admin", outside=False) for number in range(6)]),
        {"acme/shop"},
        {"most_administrators": 6},
    ),
    "old_dependabot_alerts": Case(
        "list_dependabot_alerts",
        rows([alert("critical", RECENT)]),
        rows([alert("critical", OLD)]),
        {"acme/shop:dependabot-3"},
        {"alert_days": 2000},
    ),
    "open_secret_alerts": Case(
        "list_secret_alerts", rows([]), rows([secret("active")]), {"acme/shop:secret-1"}
    ),
    "stale_deploy_keys": Case(
        "list_deploy_keys",
        rows([key(RECENT), key(None, created_at=RECENT)]),
        rows([key(None)]),
        {"acme/shop:key-41"},
        {"key_days": 2000},
    ),
    "writing_deploy_keys": Case(
        "list_deploy_keys",
        rows([key(RECENT)]),
        rows([key(RECENT, read_only=False)]),
        {"acme/shop:key-41"},
        {"allowed_writing_keys": ["release"]},
    ),
    "stale_tokens": Case(
        "list_tokens",
        {"tokens": [token(RECENT, "2027-01-31T00:00:00Z"), token(OLD, "2025-01-31T00:00:00Z")]},
        {"tokens": [token(OLD, "2027-01-31T00:00:00Z")]},
        {"fine-grained:62"},
        {"token_days": 2000},
    ),
    "public_repositories": Case(
        "list_repositories",
        {"repositories": [repository()]},
        {"repositories": [repository("public")]},
        {"acme/shop"},
        {"allowed_public": ["acme/shop"]},
    ),
    "people_with_2fa": Case(
        "list_people_without_2fa",
        {"people": []},
        {"people": [{"login": "kim", "kind": "member"}]},
        {"kim"},
    ),
    "actions_restricted": Case(
        "read_actions_permissions",
        policy("selected", "local_only"),
        policy("all", "selected"),
        {"acme/shop"},
        {"allowed_any_actions": ["acme/shop"]},
    ),
    "webhooks_are_safe": Case(
        "list_webhooks",
        rows([hook(), hook(active=False, https=False)], key="owners"),
        rows([hook(has_secret=False)], key="owners"),
        {"acme/shop:hook-51"},
    ),
}
EXCUSABLE = {name: case for name, case in CASES.items() if case.allowed}


def judged(name: str, data: Any, **changes: Any) -> Run:
    """Run an insight on what its collector found."""
    given = {CASES[name].reads: data}
    return run_task(name, config={**CONFIG, **changes}, base={"now": NOW}, data=given)


@pytest.mark.parametrize("name", CASES)
def test_what_is_sound_passes(name: str) -> None:
    run = judged(name, CASES[name].good).assert_pass()
    assert not run.resources


@pytest.mark.parametrize("name", CASES)
def test_what_is_wrong_fails_with_a_message_that_names_it(name: str) -> None:
    case = CASES[name]
    run = judged(name, case.bad).assert_fail(resources=case.ids)
    assert (run.message or "").startswith("1 ")
    (resource,) = run.resources
    assert resource["id"].rpartition(":")[0].removesuffix("fine-grained") in resource["message"]


@pytest.mark.parametrize("name", EXCUSABLE)
def test_what_the_config_allows_passes(name: str) -> None:
    judged(name, CASES[name].bad, **CASES[name].allowed).assert_pass()


@pytest.mark.parametrize("name", CASES)
def test_what_was_seen_in_part_is_never_a_pass(name: str) -> None:
    case = CASES[name]
    reasons = {case.reads: ["acme/x: 403 Resource not accessible by integration"]}
    given: dict[str, Any] = {"config": CONFIG, "base": {"now": NOW}, "partial": reasons}
    run_task(name, data={case.reads: case.good}, **given).assert_unknown("partial")
    run_task(name, data={case.reads: case.bad}, **given).assert_fail(resources=case.ids)


@pytest.mark.parametrize("name", CASES)
def test_without_its_collector_it_cannot_tell(name: str) -> None:
    run = run_task(name, config=CONFIG, base={"now": NOW}, failed={CASES[name].reads})
    run.assert_unknown()


def test_an_empty_repository_needs_no_protection() -> None:
    judged("default_branch_protected", branch(protected=False, empty=True)).assert_pass()


@pytest.mark.parametrize("name", ["default_branch_reviewed", "default_branch_keeps_history"])
def test_a_bare_branch_is_reported_once(name: str) -> None:
    bare = branch(protected=False, reviews=0, force_pushes=True)
    judged(name, bare).assert_pass()


def test_an_administrator_from_outside_weighs_more() -> None:
    people = [person("kim", "admin", outside=True), person("lee", "push", outside=True)]
    run = judged("outside_collaborators", rows(people)).assert_fail()
    assert [one["severity"] for one in run.resources] == ["critical", "high"]


def test_an_alert_has_its_own_severity_and_says_what_to_do() -> None:
    alerts = [alert("critical", OLD), alert("high", OLD, fixed_in=None) | {"number": 4}]
    run = judged("old_dependabot_alerts", rows(alerts)).assert_fail()
    assert [one["severity"] for one in run.resources] == ["critical", "high"]
    assert "Update it to 2.0.1" in run.resources[0]["message"]
    assert "no fix is out" in run.resources[1]["message"]


@pytest.mark.parametrize(
    ("name", "collector"),
    [
        ("old_dependabot_alerts", "list_dependabot_alerts"),
        ("open_secret_alerts", "list_secret_alerts"),
    ],
)
def test_switching_alerts_off_closes_nothing(name: str, collector: str) -> None:
    data = {"repositories": [row([]), off()]}
    assert CASES[name].reads == collector
    judged(name, data).assert_unknown("switched off in acme/site")
    judged(name, data, allowed_without_alerts=["acme/site"]).assert_pass()


def test_a_revoked_secret_weighs_less() -> None:
    run = judged("open_secret_alerts", rows([secret("inactive")])).assert_fail()
    assert run.resources[0]["severity"] == "high"


def alerts_on(dependabot: Any, secrets: Any, **given: Any) -> Run:
    data = {"list_dependabot_alerts": dependabot, "list_secret_alerts": secrets}
    config = {**CONFIG, **given.pop("config", {})}
    return run_task("alerts_switched_on", config=config, data=data, **given)


def test_alerts_are_on_wherever_they_are_wanted() -> None:
    both_off = {"repositories": [off()]}
    alerts_on(rows([]), rows([])).assert_pass()
    ids = {"acme/site:dependabot_alerts", "acme/site:secret_alerts"}
    alerts_on(both_off, both_off).assert_fail(resources=ids)
    allowed = {"allowed_without_alerts": ["Acme/Site"]}
    alerts_on(both_off, both_off, config=allowed).assert_pass()
    hidden = {"list_secret_alerts": ["acme/x: 404 Not Found"]}
    alerts_on(rows([]), rows([]), partial=hidden).assert_unknown()


def test_a_key_that_was_never_used_says_so() -> None:
    (never,) = judged("stale_deploy_keys", rows([key(None)])).assert_fail().resources
    assert "never used since it was made 1021 days ago" in never["message"]
    (once,) = judged("stale_deploy_keys", rows([key(OLD)])).assert_fail().resources
    assert "last used 1021 days ago" in once["message"]


def test_a_token_is_reported_once_with_all_that_is_wrong() -> None:
    (one,) = judged("stale_tokens", {"tokens": [token(OLD, None)]}).assert_fail().resources
    assert "was not used for 1021 days and never expires. Revoke it" in one["message"]
    own = token(None, None, "audit") | {"owner": None, "name": None}
    (audit,) = judged("stale_tokens", {"tokens": [own]}).assert_fail().resources
    assert "never expires. Make one that ends" in audit["message"]
    assert audit["severity"] == "medium"


def test_a_policy_of_the_organisation_is_reported_once() -> None:
    judged("actions_restricted", policy("all", "all")).assert_fail(resources={"acme"})
    judged("actions_restricted", policy("all")).assert_fail(resources={"acme/shop"})


def test_a_webhook_is_reported_once_with_all_that_is_wrong() -> None:
    plain = hook(https=False, has_secret=False)
    (one,) = judged("webhooks_are_safe", rows([plain], key="owners")).assert_fail().resources
    assert "is sent without TLS: use an https address; it has no secret" in one["message"]
    assert one["severity"] == "high"
    blind = rows([hook(checks_certificate=False)], key="owners")
    (other,) = judged("webhooks_are_safe", blind).assert_fail().resources
    assert "trusts any certificate" in other["message"]


def inactive(one: dict[str, Any], people: list[Any], keys: list[Any], **given: Any) -> Run:
    data = {
        "list_repositories": {"repositories": [one]},
        "list_collaborators": rows(people),
        "list_deploy_keys": rows(keys),
    }
    return run_task("inactive_repositories", config=CONFIG, base={"now": NOW}, data=data, **given)


def test_inactive_repositories_are_closed() -> None:
    guest, own = person("lee", "pull", outside=True), person("dana", "admin", outside=False)
    archived, old = repository(archived=True), repository() | {"pushed_at": OLD}
    inactive(repository(), [guest], [key(RECENT)]).assert_pass()
    inactive(archived, [own], []).assert_pass()
    run = inactive(archived, [guest], [key(RECENT)]).assert_fail(resources={"acme/shop"})
    assert "archived, and still open to 1 outside collaborator and 1 deploy key" in str(run)
    assert "unchanged for 1021 days" in str(inactive(old, [], [key(RECENT)]).assert_fail())
    hidden = {"list_collaborators": ["acme/x: 403"]}
    inactive(archived, [own], [], partial=hidden).assert_unknown()


@pytest.mark.parametrize(
    ("name", "of_day"),
    [
        ("stale_deploy_keys", lambda text: rows([key(text)])),
        ("stale_tokens", lambda text: {"tokens": [token(text, "2027-01-31T00:00:00Z")]}),
    ],
)
def test_the_last_day_still_counts(name: str, of_day: Any) -> None:
    judged(name, of_day("2026-08-22T12:00:00Z")).assert_pass()
    judged(name, of_day("2026-08-21T12:00:00Z")).assert_fail()
