"""Log people in to the web page, with a token or at an OpenID provider, and out again."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from flask import Response, redirect, render_template, request, url_for

from api.audit_trail import note_login
from api.cookies import LOGIN, SESSION, drop_cookie, read_cookie, session_cookie, set_cookie
from api.gate import Gate, RefusedToken
from api.logins import HOME, LASTS, new_login, open_login, own_address, seal_login
from api.openapi import blueprint
from api.people import NoRoleError
from api.principal import NOBODY, Principal, Role
from api.problem_answers import request_id
from api.problems import BadRequest, Forbidden, NotFound, Problem, Unauthorized
from api.routes.pages import restrict
from api.sessions import close_session, open_session
from api.state import State, current_state
from api.tokens import ADVICE
from utils import __version__

if TYPE_CHECKING:
    from api.oidc import Provider

routes = blueprint("login", __name__, prefix=None)
LONGEST_CODE = 4096
routes.after_request(restrict)


@routes.get("/login", doc_ui=False)
def show() -> Response | str:
    """Show the ways to log in."""
    if current_state().gate is None:
        return _go(HOME)
    return _page(own_address(request.args.get("next", HOME)))


@routes.post("/login", doc_ui=False)
def enter() -> Response:
    """Begin a session of whoever has the token that was sent."""
    state, gate = _guarded()
    try:
        principal = gate.admit(request.form.get("token", "").strip(), lambda _: None)
    except Unauthorized as error:
        known = error.principal if isinstance(error, RefusedToken) else NOBODY
        note_login(known, error.reason)
        raise
    if principal.role is Role.WORKER:
        note_login(principal, "a worker's token")
        raise Forbidden("a worker's token opens no page", ADVICE)
    return _begin(state, principal, own_address(request.form.get("next", HOME)))


@routes.get("/login/oidc", doc_ui=False)
def go() -> Response:
    """Send the browser to the OpenID provider."""
    state, gate = _guarded()
    login = new_login(request.args.get("next", HOME))
    response = _go(_provider(state).address(login, _callback()))
    set_cookie(response, LOGIN, seal_login(gate.keys, login, state.clock()), LASTS)
    return response


@routes.get("/login/callback", doc_ui=False)
def come_back() -> Response:
    """Begin a session of whoever the OpenID provider says it is."""
    state, gate = _guarded()
    login = open_login(gate.keys, read_cookie(LOGIN), state.clock())
    if request.args.get("state", "") != login.state:
        note_login(NOBODY, "the state does not fit")
        raise BadRequest("this answer belongs to another log-in", "log in again from the page")
    if "code" not in request.args:
        said = request.args.get("error", "nothing")[:100]
        note_login(NOBODY, f"the provider said {said}")
        raise Forbidden(f"the OpenID provider did not log you in: {said}", "log in again")
    code = request.args["code"][:LONGEST_CODE]
    try:
        principal = _provider(state).person(code, login, _callback(), state.clock())
    except Forbidden as error:
        note_login(error.principal if isinstance(error, NoRoleError) else NOBODY, error.reason)
        raise
    response = _begin(state, principal, login.next)
    drop_cookie(response, LOGIN)
    return response


@routes.post("/logout", doc_ui=False)
def leave() -> Response:
    """End the session: its cookie is worth nothing from now on."""
    cookie = session_cookie()
    if cookie:
        with current_state().database.write() as connection:
            close_session(connection, cookie)
    response = _go(url_for("login.show"))
    drop_cookie(response, SESSION)
    return response


@routes.errorhandler(Problem)
def problem(error: Problem) -> tuple[str, int]:
    """Show the ways to log in, and why this one did not work."""
    return _page(own_address(request.values.get("next", HOME)), error), error.status


def _begin(state: State, principal: Principal, wanted: str) -> Response:
    note_login(principal)
    lasts = timedelta(hours=state.settings.session_hours)
    with state.database.write() as connection:
        cookie = open_session(connection, principal, state.clock(), lasts)
    response = _go(wanted)
    set_cookie(response, SESSION, cookie, lasts)
    return response


def _guarded() -> tuple[State, Gate]:
    state = current_state()
    if state.gate is None:
        raise NotFound("nobody logs in here: this API has no signing key", "just use it")
    return state, state.gate


def _provider(state: State) -> "Provider":
    if state.people is None:
        raise NotFound("this API has no OpenID provider", "log in with a token")
    return state.people


def _callback() -> str:
    return url_for("login.come_back", _external=True)


def _go(address: str) -> Response:
    response = redirect(address, 303)
    assert isinstance(response, Response)  # noqa: S101 - Flask's own, though typed as werkzeug's
    return response


def _page(wanted: str, error: Problem | None = None) -> str:
    values: dict[str, Any] = {"wanted": wanted, "has_provider": current_state().people is not None}
    shown = {"problem": error, "request_id": request_id()} if error else {}
    return render_template("login.html", version=__version__, **values, **shown)
