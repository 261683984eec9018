"""An organisation as the API tells it: one repository is sound, the others each lack something."""

from collections.abc import Mapping
from typing import Any

from tests.integrations.github.loopback_api import Answer, refused

RECENT, OLD = "2026-11-01T08:00:00Z", "2024-02-03T04:05:06Z"


def repository(name: str, number: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": number,
        "node_id": f"R_{number}",
        "name": name,
        "full_name": f"acme/{name}",
        "owner": {"login": "acme", "id": 1, "type": "Organization", "site_admin": False},
        "private": True,
        "html_url": f"https://github.com/acme/{name}",
        "fork": False,
        "default_branch": "main",
        "archived": False,
        "disabled": False,
        "visibility": "private",
        "pushed_at": RECENT,
        "created_at": OLD,
        **changes,
    }


REPOSITORIES = [
    repository("attic", 11, archived=True, pushed_at=OLD),
    repository("ledger", 12),
    repository("shop", 13),
    repository("site", 14, private=False, visibility="public"),
    repository("sketch", 15),
]


def person(login: str, number: int, **permissions: bool) -> dict[str, Any]:
    every = ("admin", "maintain", "push", "triage", "pull")
    given = {name: permissions.get(name, name == "pull") for name in every}
    role = next(name for name in every if given[name])
    shown = {"push": "write", "pull": "read"}.get(role, role)
    return {
        "login": login,
        "id": number,
        "type": "User",
        "site_admin": False,
        "permissions": given,
        "role_name": shown,
    }


WRITER = {"push": True, "triage": True}
ADMIN = {"admin": True, "maintain": True, **WRITER}


def deploy_key(
    number: int, title: str, *, read_only: bool, last_used: str | None
) -> dict[str, Any]:
    return {
        "id": number,
        "key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA",
        "url": f"https://api.github.com/repos/acme/x/keys/{number}",
        "title": title,
        "verified": True,
        "created_at": OLD,
        "read_only": read_only,
        "added_by": "dana",
        "last_used": last_used,
        "enabled": True,
    }


def webhook(number: int, **config: str) -> dict[str, Any]:
    return {
        "type": "Repository",
        "id": number,
        "name": "web",
        "active": True,
        "events": ["push"],
        "config": {"content_type": "json", "insecure_ssl": "0", **config},
        "updated_at": RECENT,
        "created_at": OLD,
        "last_response": {"code": 200, "status": "active", "message": "OK"},
    }


def dependabot_alert(number: int, severity: str, created_at: str) -> dict[str, Any]:
    package = {"ecosystem": "pip", "name": "left-pad"}
    return {
        "number": number,
        "state": "open",
        "dependency": {
            "package": package,
            "manifest_path": "requirements.txt",
            "scope": "runtime",
        },
        "security_advisory": {
            "ghsa_id": "GHSA-aaaa-bbbb-cccc",
            "cve_id": None,
            "summary": "It pads too far",
            "severity": severity,
        },
        "security_vulnerability": {
            "package": package,
            "severity": severity,
            "vulnerable_version_range": "< 2.0.1",
            "first_patched_version": {"identifier": "2.0.1"},
        },
        "html_url": f"https://github.com/acme/ledger/security/dependabot/{number}",
        "created_at": created_at,
        "updated_at": created_at,
        "dismissed_at": None,
        "fixed_at": None,
        "auto_dismissed_at": None,
    }


def secret_alert(number: int) -> dict[str, Any]:
    return {
        "number": number,
        "created_at": OLD,
        "html_url": f"https://github.com/acme/shop/security/secret-scanning/{number}",
        "state": "open",
        "resolution": None,
        "resolved_at": None,
        "secret_type": "adafruit_io_key",
        "secret_type_display_name": "Adafruit IO Key",
        "push_protection_bypassed": False,
        "validity": "active",
        "publicly_leaked": False,
        "multi_repo": False,
    }


def classic(reviews: int, *, force_pushes: bool) -> dict[str, Any]:
    return {
        "url": "https://api.github.com/repos/acme/x/branches/main/protection",
        "required_pull_request_reviews": {
            "dismiss_stale_reviews": True,
            "require_code_owner_reviews": False,
            "required_approving_review_count": reviews,
        },
        "required_signatures": {"enabled": False},
        "enforce_admins": {"enabled": True},
        "allow_force_pushes": {"enabled": force_pushes},
        "allow_deletions": {"enabled": False},
    }


def rule(kind: str, **parameters: Any) -> dict[str, Any]:
    told = {"parameters": parameters} if parameters else {}
    source = {"ruleset_source_type": "Organization", "ruleset_source": "acme", "ruleset_id": 7}
    return {"type": kind, **source, **told}


def branch(name: str, rules: list[Any], protection: Any) -> dict[str, Any]:
    home = f"/repos/acme/{name}"
    return {
        f"{home}/rules/branches/main": rules,
        f"{home}/branches/main/protection": protection,
    }


NOT_PROTECTED = refused(404, "Branch not protected")
DEPENDABOT_OFF = refused(403, "Dependabot alerts are disabled for this repository.")
SECRETS_OFF = refused(404, "Secret scanning is disabled on this repository.")


def access(name: str, direct: list[Any], outside: list[Any]) -> dict[str, Any]:
    path = f"/repos/acme/{name}/collaborators"
    return {f"{path}?affiliation=direct": direct, f"{path}?affiliation=outside": outside}


DANA, LEE, KIM = (
    person("dana", 21, **ADMIN),
    person("lee", 22, **WRITER),
    person("kim", 23, **ADMIN),
)
POLICY = {"enabled": True, "allowed_actions": "selected", "sha_pinning_required": False}
SAFE = {"url": "https://ci.example.com/github", "secret": "********"}


def organisation_paths() -> dict[str, Any]:
    return {
        "/orgs/acme": {
            "login": "acme",
            "id": 1,
            "type": "Organization",
            "public_repos": 1,
            "total_private_repos": 4,
            "two_factor_requirement_enabled": False,
        },
        "/orgs/acme/repos": REPOSITORIES,
        "/orgs/acme/members?filter=2fa_disabled": [{"login": "kim", "id": 23, "type": "User"}],
        "/orgs/acme/outside_collaborators?filter=2fa_disabled": [],
        "/orgs/acme/actions/permissions": {
            "enabled_repositories": "all",
            "allowed_actions": "selected",
            "sha_pinning_required": False,
        },
        "/orgs/acme/hooks": [
            webhook(51, url="http://chat.example.com/hooks/T0/B0", secret="********")
        ],
        "/orgs/acme/personal-access-tokens": [
            fine_grained(61, "dana", "backup", used=RECENT, expires="2027-01-31T00:00:00Z"),
            fine_grained(62, "lee", "try out", used=OLD, expires=None),
            fine_grained(63, "kim", "once", used=OLD, expires="2025-01-31T00:00:00Z"),
        ],
        "/rate_limit": Answer(
            200,
            {"resources": {"core": {"limit": 5000, "remaining": 4990, "reset": 1795000000}}},
            {"github-authentication-token-expiration": "2026-12-31 12:00:00 UTC"},
        ),
    }


def fine_grained(
    number: int, owner: str, name: str, *, used: str, expires: str | None
) -> dict[str, Any]:
    return {
        "id": number,
        "owner": {"login": owner, "id": 20, "type": "User"},
        "repository_selection": "subset",
        "permissions": {"organization": {}, "repository": {"contents": "read"}},
        "access_granted_at": OLD,
        "token_id": 1000 + number,
        "token_name": name,
        "token_expired": bool(expires and expires < RECENT),
        "token_expires_at": expires,
        "token_last_used_at": used,
    }


def acme() -> dict[str, Any]:
    """Return the answers of the whole API."""
    reviews = rule("pull_request", required_approving_review_count=0)
    return {
        **organisation_paths(),
        **branch("shop", [], classic(2, force_pushes=False)),
        **branch(
            "ledger", [rule("deletion"), reviews, rule("required_linear_history")], NOT_PROTECTED
        ),
        **branch("site", [], NOT_PROTECTED),
        **branch("sketch", [], refused(404, "Branch not found")),
        **access("attic", [LEE], [LEE]),
        **access("ledger", [DANA], []),
        **access("shop", [DANA, LEE, KIM], [KIM]),
        **access("site", [], []),
        **access("sketch", [], []),
        **{f"/repos/{one['full_name']}": one for one in REPOSITORIES},
        **{path: answer for one in REPOSITORIES for path, answer in features(one["name"]).items()},
    }


def features(name: str) -> Mapping[str, Any]:
    home = f"/repos/acme/{name}"
    alerts = {
        "ledger": [
            dependabot_alert(3, "critical", OLD),
            dependabot_alert(2, "high", OLD),
            dependabot_alert(1, "high", RECENT),
        ],
        "site": DEPENDABOT_OFF,
    }
    keys = {
        "attic": [deploy_key(41, "old server", read_only=True, last_used=None)],
        "shop": [deploy_key(42, "release", read_only=False, last_used=RECENT)],
    }
    return {
        f"{home}/dependabot/alerts": alerts.get(name, []),
        f"{home}/secret-scanning/alerts": {"shop": [secret_alert(1)], "ledger": SECRETS_OFF}.get(
            name, []
        ),
        f"{home}/keys": keys.get(name, []),
        f"{home}/hooks": {
            "shop": [webhook(52, **SAFE)],
            "site": [webhook(53, url=SAFE["url"])],
        }.get(name, []),
        f"{home}/actions/permissions": POLICY
        | ({"allowed_actions": "all"} if name == "site" else {}),
    }


def small_acme() -> dict[str, Any]:
    """Return an organisation of three repositories: what the integration's exchanges show."""
    few = [one for one in REPOSITORIES if one["name"] in {"attic", "ledger", "shop"}]
    told = acme()
    numbers = {"public_repos": 0, "total_private_repos": len(few)}
    return {**told, "/orgs/acme/repos": few, "/orgs/acme": {**told["/orgs/acme"], **numbers}}
