"""Lets a request through to its route, or says why not: who asks, in which role, for what."""

from urllib.parse import urlencode

from flask import Flask, Response, g, redirect, request

from api.after_answer import after_answer
from api.cookies import session_cookie
from api.gate import Gate, RefusedToken
from api.guard import SAFE_METHODS, check_own_page
from api.permissions import OPEN, in_words, roles_of
from api.principal import NOBODY, Principal
from api.problems import Forbidden, TokenMissing, Unauthorized
from api.state import current_state
from api.tokens import ADVICE

PAGES = "pages"
LOGIN = "/login"


def demand_access(app: Flask) -> None:
    """Check each request of `app` before its route sees it, where a signing key is set."""
    app.before_request(_check)


def _check() -> Response | None:
    gate = current_state().gate
    if gate is None:  # whoever is on this machine; api.guard keeps the others away
        return None
    g.principal = NOBODY
    roles = roles_of(request.endpoint)
    try:
        g.principal = _principal(gate)
    except Unauthorized as error:
        if isinstance(error, RefusedToken):
            g.suspect = error.principal
        if roles != OPEN:
            raise
    principal: Principal = g.principal
    if principal.role in roles:
        return None
    if principal is NOBODY:
        return _ask_to_log_in()
    raise Forbidden(
        f"this takes the role {in_words(roles)}; {principal.name} is {principal.role}",
        "use another token, or ask an admin for one: `trueline token create NAME --role ROLE`",
    )


def _principal(gate: Gate) -> Principal:
    header = request.headers.get("Authorization")
    if header is not None:
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer":
            raise Unauthorized("the Authorization header is not a bearer token", ADVICE)
        return gate.admit(token.strip(), after_answer)
    cookie = session_cookie()
    session = gate.find_session(cookie) if cookie else None
    if session is None:
        return NOBODY
    if request.method not in SAFE_METHODS:
        check_own_page()
    return session.principal


def _ask_to_log_in() -> Response:
    is_page = request.blueprint == PAGES and request.method in SAFE_METHODS
    if not is_page:
        raise TokenMissing("the request has no token", ADVICE)
    wanted = request.full_path if request.query_string else request.path
    response = redirect(f"{LOGIN}?{urlencode({'next': wanted})}", 303)
    assert isinstance(response, Response)  # noqa: S101 - Flask's own, though typed as werkzeug's
    return response
