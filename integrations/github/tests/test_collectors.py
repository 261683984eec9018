"""Each collector on what the API answers: recorded pages, and refusals in its own words."""

from typing import Any

import pytest

from utils.testing import Exchanges, Run, run_task

CONFIG = {"token": "token-of-the-tests", "organisation": "acme"}
RECORDED = Exchanges("exchanges/default")
NAMED = {"token": "t", "repositories": ["acme/shop", "acme/gone"]}
REPOSITORY = {
    "full_name": "acme/shop",
    "owner": "acme",
    "owner_type": "Organization",
    "visibility": "private",
    "archived": False,
    "disabled": False,
    "default_branch": "main",
    "pushed_at": "2026-11-01T08:00:00Z",
    "url": "https://github.com/acme/shop",
}
ARCHIVED = REPOSITORY | {"full_name": "acme/attic", "archived": True}


def told(name: str, **changes: Any) -> dict[str, Any]:
    """Return a repository as the API tells it."""
    return {
        "full_name": f"acme/{name}",
        "owner": {"login": "acme", "type": "Organization"},
        "private": True,
        "visibility": "private",
        "archived": False,
        "disabled": False,
        "default_branch": "main",
        "pushed_at": None,
        "html_url": f"https://github.com/acme/{name}",
        **changes,
    }


@pytest.fixture(scope="module")
def repositories() -> dict[str, Any]:
    run = run_task("list_repositories", config=CONFIG, exchanges=RECORDED).assert_success()
    found: dict[str, Any] = run.data
    return found


def collected(name: str, repositories: Any, exchanges: Exchanges = RECORDED) -> Run:
    data = {"list_repositories": repositories}
    return run_task(name, config=CONFIG, data=data, exchanges=exchanges)


def of_shop(name: str, exchanges: Exchanges) -> Run:
    return collected(name, {"repositories": [REPOSITORY]}, exchanges)


def test_repositories_of_all_pages_are_listed(repositories: dict[str, Any]) -> None:
    names = [one["full_name"] for one in repositories["repositories"]]
    assert names == ["acme/attic", "acme/ledger", "acme/shop"]


def test_repositories_that_the_token_does_not_see_are_missed(plays: Any) -> None:
    listing = "/orgs/acme/repos?type=all&sort=full_name&per_page=100"
    answers = {
        "/orgs/acme": (200, {"public_repos": 1, "total_private_repos": 3}),
        listing: (200, [told("shop")]),
    }
    run = run_task("list_repositories", config=CONFIG, exchanges=plays(answers))
    run.assert_partial("the token sees 1 of 4 repositories")


def test_to_whom_no_number_is_told_hears_that(plays: Any) -> None:
    listing = "/orgs/acme/repos?type=all&sort=full_name&per_page=100"
    answers = {"/orgs/acme": (200, {"public_repos": 1}), listing: (200, [told("shop")])}
    config = CONFIG | {"repositories": ["acme/shop", "acme/gone"]}
    run = run_task("list_repositories", config=config, exchanges=plays(answers))
    run.assert_partial("acme/gone is not among the repositories that the token sees")
    assert any("told to owners alone" in line for line in run.logs)


def test_an_organisation_that_is_not_there_is_an_error_that_says_so(plays: Any) -> None:
    run = run_task(
        "list_repositories", config=CONFIG, exchanges=plays({"/orgs/acme": (404, "Not Found")})
    )
    run.assert_failed("permanent", "organisation 'acme' cannot be read: 404 Not Found")


def test_repositories_are_read_by_their_names(plays: Any) -> None:
    old = told("shop", private=False)
    del old["visibility"]  # as before GitHub Enterprise Server 3.2
    answers = {"/repos/acme/shop": (200, old), "/repos/acme/gone": (404, "Not Found")}
    run = run_task("list_repositories", config=NAMED, exchanges=plays(answers))
    run.assert_partial("acme/gone: 404 Not Found")
    assert [one["visibility"] for one in run.data["repositories"]] == ["public"]


def test_a_repository_that_was_renamed_is_listed_once_by_its_new_name(plays: Any) -> None:
    answers = {"/repos/acme/shop": (200, told("new")), "/repos/acme/gone": (200, told("new"))}
    run = run_task("list_repositories", config=NAMED, exchanges=plays(answers)).assert_success()
    assert [one["full_name"] for one in run.data["repositories"]] == ["acme/new"]


def test_an_organisation_that_wants_a_single_sign_on_needs_another_token(plays: Any) -> None:
    said = "Resource protected by organization SAML enforcement."
    answers = {"/orgs/acme": (403, said)}
    run = run_task("list_repositories", config=CONFIG, exchanges=plays(answers))
    run.assert_failed("auth", "403 Resource protected by organization SAML enforcement")


def test_a_refused_token_is_an_auth_error(plays: Any) -> None:
    answers = {"/orgs/acme": (401, "Bad credentials")}
    run_task("list_repositories", config=CONFIG, exchanges=plays(answers)).assert_failed("auth")


def test_protection_is_put_together(repositories: dict[str, Any]) -> None:
    run = collected("read_branch_protection", repositories).assert_success()
    found = {row["repository"]: row["found"] for row in run.data["branches"]}
    assert found == {
        "acme/ledger": {
            "branch": "main",
            "empty": False,
            "protected": True,
            "reviews": 0,
            "force_pushes": True,
        },
        "acme/shop": {
            "branch": "main",
            "empty": False,
            "protected": True,
            "reviews": 2,
            "force_pushes": False,
        },
    }


def test_protection_that_only_administrators_see_is_missed(plays: Any) -> None:
    home = "/repos/acme/shop"
    answers = {
        f"{home}/rules/branches/main?per_page=100": (200, []),
        f"{home}/branches/main/protection": (404, "Not Found"),
    }
    run = of_shop("read_branch_protection", plays(answers))
    run.assert_partial("acme/shop: 404 Not Found")


def test_the_name_of_a_branch_is_quoted(plays: Any) -> None:
    home = "/repos/acme/shop"
    answers = {
        f"{home}/rules/branches/release%2F1?per_page=100": (200, []),
        f"{home}/branches/release%2F1/protection": (404, "Branch not protected"),
    }
    repository = REPOSITORY | {"default_branch": "release/1"}
    run = collected("read_branch_protection", {"repositories": [repository]}, plays(answers))
    run.assert_success()


def test_collaborators_have_the_highest_of_their_roles(repositories: dict[str, Any]) -> None:
    run = collected("list_collaborators", repositories).assert_success()
    assert {row["repository"]: row["found"] for row in run.data["repositories"]} == {
        "acme/attic": [{"login": "lee", "role": "push", "outside": True}],
        "acme/ledger": [{"login": "dana", "role": "admin", "outside": False}],
        "acme/shop": [
            {"login": "dana", "role": "admin", "outside": False},
            {"login": "lee", "role": "push", "outside": False},
            {"login": "kim", "role": "admin", "outside": True},
        ],
    }


def test_all_but_its_owner_are_from_outside_of_a_personal_repository(plays: Any) -> None:
    repository = REPOSITORY | {"owner_type": "User"}
    people = [{"login": "acme", "permissions": {"admin": True}}, {"login": "lee"}]
    direct = "/repos/acme/shop/collaborators?affiliation=direct&per_page=100"
    exchanges = plays({direct: (200, people)})
    run = collected("list_collaborators", {"repositories": [repository]}, exchanges)
    assert run.data["repositories"][0]["found"] == [
        {"login": "lee", "role": "none", "outside": True}
    ]


def test_dependabot_alerts_are_kept_short(repositories: dict[str, Any]) -> None:
    run = collected("list_dependabot_alerts", repositories).assert_success()
    ledger = next(row for row in run.data["repositories"] if row["repository"] == "acme/ledger")
    assert [alert["number"] for alert in ledger["found"]] == [3, 2, 1]
    assert ledger["found"][0]["fixed_in"] == "2.0.1"


@pytest.mark.parametrize(
    ("collector", "path", "status", "message"),
    [
        (
            "list_dependabot_alerts",
            "dependabot/alerts?state=open&severity=critical%2Chigh&per_page=100",
            403,
            "Dependabot alerts are disabled for this repository.",
        ),
        (
            "list_secret_alerts",
            "secret-scanning/alerts?state=open&hide_secret=true&per_page=100",
            404,
            "Secret scanning is disabled on this repository.",
        ),
    ],
)
def test_what_is_off_is_a_state_of_its_own(
    plays: Any, collector: str, path: str, status: int, message: str
) -> None:
    run = of_shop(collector, plays({f"/repos/acme/shop/{path}": (status, message)}))
    run.assert_success()
    assert run.data["repositories"] == [
        {
            "repository": "acme/shop",
            "state": "off",
            "reason": f"{status} {message.rstrip('.')}",
            "found": None,
        }
    ]


@pytest.mark.parametrize(
    ("collector", "path"),
    [
        ("list_collaborators", "collaborators?affiliation=direct&per_page=100"),
        (
            "list_dependabot_alerts",
            "dependabot/alerts?state=open&severity=critical%2Chigh&per_page=100",
        ),
        (
            "list_secret_alerts",
            "secret-scanning/alerts?state=open&hide_secret=true&per_page=100",
        ),
        ("list_deploy_keys", "keys?per_page=100"),
        ("read_actions_permissions", "actions/permissions"),
        ("list_webhooks", "hooks?per_page=100"),
    ],
)
def test_what_the_token_may_not_see_is_partial(plays: Any, collector: str, path: str) -> None:
    said = "Resource not accessible by personal access token"
    answers = {
        f"/repos/acme/shop/{path}": (403, said),
        "/orgs/acme/hooks?per_page=100": (200, []),
        "/orgs/acme/actions/permissions": (200, {"enabled_repositories": "none"}),
    }
    of_shop(collector, plays(answers)).assert_partial(f"acme/shop: 403 {said}")


def test_secrets_are_never_kept(plays: Any) -> None:
    alert = {
        "number": 1,
        "secret_type": "some_key",
        "secret": "hunter-2-hunter",
        "created_at": "2026-11-01T08:00:00Z",
        "html_url": "https://github.com/acme/shop/security/secret-scanning/1",
    }
    path = "/repos/acme/shop/secret-scanning/alerts?state=open&hide_secret=true&per_page=100"
    run = of_shop("list_secret_alerts", plays({path: (200, [alert])})).assert_success()
    assert run.data["repositories"][0]["found"][0]["kind"] == "some_key"
    assert "hunter-2-hunter" not in str(run)


def test_keys_of_archived_repositories_are_listed_and_disabled_ones_left_out(plays: Any) -> None:
    key = {"id": 1, "title": "old", "read_only": True, "created_at": "2026-11-01T08:00:00Z"}
    path = "/repos/acme/attic/keys?per_page=100"
    exchanges = plays({path: (200, [key, key | {"id": 2, "enabled": False}])})
    run = collected("list_deploy_keys", {"repositories": [ARCHIVED]}, exchanges).assert_success()
    assert [one["id"] for one in run.data["repositories"][0]["found"]] == [1]


def test_of_a_webhook_the_host_alone_is_kept(repositories: dict[str, Any]) -> None:
    run = collected("list_webhooks", repositories).assert_success()
    found = {row["repository"]: row["found"] for row in run.data["owners"]}
    assert found["acme"] == [
        {
            "id": 51,
            "active": True,
            "host": "chat.example.com",
            "https": False,
            "checks_certificate": True,
            "has_secret": True,
        }
    ]
    assert "/hooks/T0" not in str(run.data)


def test_policies_are_read(repositories: dict[str, Any]) -> None:
    run = collected("read_actions_permissions", repositories).assert_success()
    assert run.data["organisation"]["found"] == {"enabled": True, "allowed": "selected"}
    assert {row["found"]["allowed"] for row in run.data["repositories"]} == {"selected"}


@pytest.mark.parametrize("collector", ["list_webhooks", "read_actions_permissions"])
def test_without_an_organisation_its_own_things_are_not_asked_for(
    plays: Any, collector: str
) -> None:
    run = run_task(
        collector,
        config=NAMED,
        data={"list_repositories": {"repositories": [ARCHIVED]}},
        exchanges=plays({"/unused": (200, [])}),
    )
    run.assert_success()


def test_people_without_a_second_factor_are_told_to_owners(plays: Any) -> None:
    run = run_task("list_people_without_2fa", config=CONFIG, exchanges=RECORDED).assert_success()
    assert run.data == {"people": [{"login": "kim", "kind": "member"}]}
    query = "filter=2fa_disabled&per_page=100"
    answers = {
        f"/orgs/acme/members?{query}": (422, "Only owners can use this filter."),
        f"/orgs/acme/outside_collaborators?{query}": (200, []),
    }
    run = run_task("list_people_without_2fa", config=CONFIG, exchanges=plays(answers))
    run.assert_partial("members of acme: 422 Only owners can use this filter")


def test_without_an_organisation_second_factors_are_unknown(plays: Any) -> None:
    exchanges = plays({"/unused": (200, [])})
    run = run_task("list_people_without_2fa", config=NAMED, exchanges=exchanges)
    run.assert_partial("the config names no organisation")


def test_tokens_are_those_of_the_organisation_and_our_own() -> None:
    run = run_task("list_tokens", config=CONFIG, exchanges=RECORDED).assert_success()
    assert [token["id"] for token in run.data["tokens"]] == [
        "audit",
        "fine-grained:61",
        "fine-grained:62",
        "fine-grained:63",
    ]


def test_our_own_token_tells_when_it_ends(plays: Any) -> None:
    end = "2026-12-31 12:00:00 UTC"
    exchanges = plays({"/rate_limit": (200, {})}, github_authentication_token_expiration=end)
    run = run_task("list_tokens", config=NAMED, exchanges=exchanges).assert_success()
    (own,) = run.data["tokens"]
    assert (own["expires_at"], own["lasts"]) == (end, False)


def test_a_page_of_a_proxy_tells_nothing_of_our_token(plays: Any) -> None:
    exchanges = plays({"/rate_limit": (200, ["Sign in"])})
    run = run_task("list_tokens", config=NAMED, exchanges=exchanges)
    run.assert_failed("permanent", "no JSON object")


def test_a_token_of_an_app_needs_no_end(plays: Any) -> None:
    config = NAMED | {"token": "ghs_of-an-app"}
    exchanges = plays({"/rate_limit": (200, {})})
    run = run_task("list_tokens", config=config, exchanges=exchanges).assert_success()
    assert not run.data["tokens"][0]["lasts"]


def test_single_sign_on_is_looked_at_where_there_is_one(plays: Any) -> None:
    credential = {
        "login": "lee",
        "credential_id": 5,
        "credential_type": "personal access token",
        "token_last_eight": "12345678",
        "credential_authorized_at": "2024-02-03T04:05:06Z",  # trueline: ignore[secret-in-code]
        "credential_accessed_at": None,
        "authorized_credential_note": "laptop",
        "authorized_credential_expires_at": None,
    }
    answers = {
        "/rate_limit": (200, {}),
        "/orgs/acme/personal-access-tokens?per_page=100": (
            403,
            "Resource not accessible by personal access token",
        ),
        "/orgs/acme/credential-authorizations?per_page=100": (200, [credential]),
    }
    config = CONFIG | {"single_sign_on": True}
    run = run_task("list_tokens", config=config, exchanges=plays(answers))
    run.assert_partial("fine-grained tokens of acme: 403 Resource not accessible")
    audit, laptop = run.data["tokens"]
    assert audit["lasts"]
    assert (laptop["name"], laptop["lasts"]) == ("laptop", True)
    assert laptop["last_used"] == "2024-02-03T04:05:06Z"
