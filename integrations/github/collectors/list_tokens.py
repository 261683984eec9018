"""Lists tokens: the organisation's fine-grained ones, those of its single sign-on, and our own."""

from collections.abc import Mapping
from typing import Any

from integrations.github.api import GitHub, Row, mark_unseen, row_of
from integrations.github.refusal import seen
from integrations.github.scope import read_scope
from integrations.github.verdict import counted
from utils.base_runner import BaseRunner, TaskContext
from utils.decorators import task

EXPIRES = "github-authentication-token-expiration"
OF_AN_APP = ("ghs_", "ghu_")  # they last an hour, or eight


@task(
    name="list_tokens",
    title="List tokens",
    description="Personal access tokens with access to the organisation, and the audit's own",
    type="collector",
)
def list_tokens(self: BaseRunner.StageTwo, ctx: TaskContext) -> dict[str, Any]:
    """Ask for each kind; fine-grained ones are told to tokens of a GitHub App alone."""
    scope = read_scope(ctx.config)
    github = GitHub.of(ctx)
    rows = [row_of("this audit", seen(lambda: [_own(github, scope.token)]))]
    if scope.organisation:
        path = f"/orgs/{scope.organisation}/personal-access-tokens"
        listed = seen(lambda: [_fine_grained(one) for one in github.listed(path)])
        rows.append(row_of(f"fine-grained tokens of {scope.organisation}", listed))
    if scope.organisation and ctx.config.get("single_sign_on"):
        rows.append(_single_sign_on(github, scope.organisation))
    mark_unseen(ctx, rows)
    tokens = [token for row in rows for token in row["found"] or ()]
    return {"data": {"tokens": tokens}, "message": counted(len(tokens), "token")}


def _single_sign_on(github: GitHub, organisation: str) -> Row:
    path = f"/orgs/{organisation}/credential-authorizations"
    listed = seen(lambda: [_authorized(one) for one in github.listed(path)])
    return row_of(f"credentials for the single sign-on of {organisation}", listed)


def _own(github: GitHub, token: str) -> dict[str, Any]:
    headers = github.headers("/rate_limit")
    return {
        "id": "audit",
        "kind": "token of this audit",
        "owner": None,
        "name": None,
        "last_used": None,
        "expires_at": headers.get(EXPIRES),
        "lasts": EXPIRES not in headers and not token.startswith(OF_AN_APP),
    }


def _fine_grained(token: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": f"fine-grained:{token['id']}",
        "kind": "fine-grained token",
        "owner": token["owner"]["login"],
        "name": token.get("token_name"),
        "last_used": token.get("token_last_used_at") or token["access_granted_at"],
        "expires_at": token.get("token_expires_at"),
        "lasts": token.get("token_expires_at") is None,
    }


def _authorized(credential: Mapping[str, Any]) -> dict[str, Any]:
    expires = credential.get("authorized_credential_expires_at")
    return {
        "id": f"credential:{credential['credential_id']}",
        "kind": credential["credential_type"],
        "owner": credential["login"],
        "name": credential.get("authorized_credential_title")
        or credential.get("authorized_credential_note"),
        "last_used": credential.get("credential_accessed_at")
        or credential["credential_authorized_at"],
        "expires_at": expires,
        "lasts": expires is None and credential["credential_type"] == "personal access token",
    }
