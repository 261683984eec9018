"""Log-ins at a real OpenID provider on loopback."""

import base64
import json
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey
from sqlalchemy import select

from api.app import create_app
from api.audit_table import audit
from api.logins import new_login, open_login
from api.oidc import MOST_AT_ONCE, Provider
from api.oidc_registration import registration_of
from api.state import state_of
from utils.settings import Settings

pytestmark = pytest.mark.one_database

MakeApp = Callable[..., Any]
PEOPLE: tuple[dict[str, Any], ...] = (
    {"sub": "ada", "email": "ada@example.com", "groups": ["sre"]},
    {"sub": "bob", "email": "bob@example.com", "groups": ["cooks"]},
    {"sub": "eve"},
)


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    """Run a provider that knows a few people."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    people = [part for one in PEOPLE for part in ("--user-claims", json.dumps(one))]
    command = [sys.executable, "-m", "oidc_provider_mock", "--port", str(port), *people]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            _wait_for(port, process)
            yield f"http://localhost:{port}"
        finally:
            process.kill()


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 30
    while True:
        assert process.poll() is None
        assert time.monotonic() < end
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except ConnectionRefusedError:
            time.sleep(0.05)
        else:
            return


@pytest.fixture
def make_app(guarded: Any, settings: Settings, key_file: Path) -> Iterator[MakeApp]:
    """Make an app that has a provider; its clock is the real one, as the provider's."""
    made: list[Any] = []
    secret = key_file.with_name("client-secret")
    secret.write_text("canary\n")

    def make(issuer: str, **changes: Any) -> Any:
        update = {"signing_key_file": key_file, "oidc_issuer": issuer, "oidc_client_id": "trueline"}
        update |= {"oidc_roles": "sre=operator,security=admin", "oidc_client_secret_file": secret}
        update |= changes
        made.append(create_app(settings.model_copy(update=update), guarded.database))
        return made[-1]

    yield make
    for app in made:
        state_of(app).stops.run()


@pytest.fixture
def browser(make_app: MakeApp, issuer: str) -> Any:
    return make_app(issuer).test_client()


def at_provider(browser: Any, person: str, wanted: str = "/") -> str:
    """Log in at the provider; return the address at which the browser comes back."""
    page = browser.get(f"/login?{urlencode({'next': wanted})}").text
    (link,) = re.findall(r'href="(/login/oidc[^"]*)"', page)
    sent = browser.get(link)
    assert sent.status_code == 303
    answer = httpx2.post(sent.location, data={"sub": person}, trust_env=False)
    assert answer.status_code in {302, 303}, answer.text
    return str(answer.headers["Location"])


def told(browser: Any) -> list[Any]:
    with state_of(browser.application).database.read() as connection:
        return list(connection.execute(select(audit).order_by(audit.c.at)).all())


def test_person_with_a_role_is_logged_in_and_out(browser: Any) -> None:
    back = at_provider(browser, "ada", "/violations?status=muted")
    assert back.startswith("http://localhost/login/callback?")
    answer = browser.get(back)
    assert (answer.status_code, answer.location) == (303, "/violations?status=muted")
    assert "ada@example.com (operator)" in browser.get("/").text
    assert browser.get("/api/v1/me").json["name"] == "ada@example.com"
    assert browser.get("/api/v1/tokens").status_code == 403
    (row,) = told(browser)[-2:-1]
    assert (row.action, row.principal, row.role, row.status) == (
        "login.come_back",
        "ada@example.com",
        "operator",
        303,
    )
    browser.post("/logout", headers={"Origin": "http://localhost"})
    assert browser.get("/").status_code == 303


def test_address_asks_for_a_code_with_pkce_state_and_nonce(browser: Any) -> None:
    asked = parse_qs(urlsplit(browser.get("/login/oidc").location).query)
    assert asked["response_type"] == ["code"]
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["redirect_uri"] == ["http://localhost/login/callback"]
    assert "openid" in asked["scope"][0]
    for name in ("state", "nonce", "code_challenge"):
        assert len(asked[name][0]) >= 32
    state = state_of(browser.application)
    assert state.gate is not None
    sealed = browser.get_cookie("trueline_login").value
    verifier = open_login(state.gate.keys, sealed, state.clock()).verifier
    digest = sha256(verifier.encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    assert asked["code_challenge"] == [challenge]
    again = parse_qs(urlsplit(browser.get("/login/oidc").location).query)
    assert all(again[name] != asked[name] for name in ("state", "nonce", "code_challenge"))


@pytest.mark.parametrize("person", ["bob", "eve"])
def test_person_without_a_role_is_refused_with_the_reason(browser: Any, person: str) -> None:
    answer = browser.get(at_provider(browser, person))
    assert answer.status_code == 403
    assert "has no role here" in answer.text
    assert "Set-Cookie" not in answer.headers
    row = told(browser)[-1]
    assert row.principal.startswith(person)
    assert (row.role, row.changed, row.status) == (None, False, 403)
    assert "has no role here" in row.reason


def test_nobody_has_a_role_until_one_is_mapped(make_app: MakeApp, issuer: str) -> None:
    browser = make_app(issuer, oidc_roles="").test_client()
    assert browser.get(at_provider(browser, "ada")).status_code == 403


def test_other_state_is_refused(browser: Any) -> None:
    back = at_provider(browser, "ada")
    forged = re.sub(r"state=[^&]+", "state=forged", back)
    for address in (forged, re.sub(r"&?state=[^&]+", "", back)):
        answer = browser.get(address)
        assert answer.status_code == 400
        assert "belongs to another log-in" in answer.text
    assert browser.get("/").status_code == 303


def test_answer_that_another_browser_asked_for_is_refused(browser: Any) -> None:
    back = at_provider(browser, "ada")
    other = browser.application.test_client()
    assert other.get(back).status_code == 400
    other.get("/login/oidc")
    assert other.get(back).status_code == 400


def test_code_is_good_once(browser: Any) -> None:
    back = at_provider(browser, "ada")
    kept = browser.get_cookie("trueline_login").value
    assert browser.get(back).status_code == 303
    assert browser.get_cookie("trueline_login") is None
    thief = browser.application.test_client()
    thief.set_cookie("trueline_login", kept)
    answer = thief.get(back)
    assert answer.status_code == 403
    assert "invalid_grant" in answer.text


def test_person_who_says_no_is_told_so(browser: Any) -> None:
    sent = browser.get("/login/oidc").location
    state = parse_qs(urlsplit(sent).query)["state"][0]
    answer = browser.get(f"/login/callback?error=access_denied&state={state}")
    assert answer.status_code == 403
    assert "access_denied" in answer.text


def test_provider_that_is_down_says_so_and_a_token_still_works(make_app: MakeApp) -> None:
    browser = make_app("http://localhost:9").test_client()
    answer = browser.get("/login/oidc")
    assert answer.status_code == 503
    assert "cannot be used" in answer.text
    assert 'name="token"' in answer.text


def test_provider_that_calls_itself_otherwise_is_refused(make_app: MakeApp, issuer: str) -> None:
    browser = make_app(issuer.replace("localhost", "127.0.0.1") + "/").test_client()
    answer = browser.get("/login/oidc")
    assert answer.status_code == 503
    assert "it calls itself" in answer.text


def test_few_wait_for_a_silent_provider_at_once(settings: Settings, key_file: Path) -> None:
    update = {"signing_key_file": key_file, "oidc_issuer": "https://id.example"}
    registration = registration_of(settings.model_copy(update=update | {"oidc_client_id": "x"}))
    assert registration is not None
    provider = Provider(registration)
    for _ in range(MOST_AT_ONCE):
        assert provider._room.acquire(blocking=False)
    with pytest.raises(Exception, match="too many people"):
        provider.address(None, "")  # type: ignore[arg-type]  # it is not looked at


class Forger:
    """What a provider would answer, signed by a key of its own."""

    def __init__(self, provider: Provider, login: Any) -> None:
        self.key = RSAKey.generate_key(2048, {"kid": "k"})
        self.provider = provider
        self.login = login

    def told(self, now: Any, header: dict[str, Any] | None = None, **claims: Any) -> Any:
        said: dict[str, Any] = {"iss": self.provider._at.issuer, "aud": "trueline", "sub": "ada"}
        said |= {"nonce": self.login.nonce, "iat": int(now.timestamp())}
        said |= {"exp": int(now.timestamp()) + 60} | claims
        token = jwt.encode({"alg": "RS256", "kid": "k"} | (header or {}), said, self.key)
        keys = {"keys": [self.key.as_dict(private=False)]}
        answer = {"id_token": token, "access_token": "x"}
        return self.provider._checked(answer, keys, self.login, now)


@pytest.fixture
def forger(make_app: MakeApp) -> Forger:
    provider = state_of(make_app("https://id.example")).people
    assert provider is not None
    return Forger(provider, new_login("/"))


def test_good_answer_is_believed(forger: Forger, clock: Any) -> None:
    assert forger.told(clock())["sub"] == "ada"


@pytest.mark.parametrize(
    "change",
    [
        {"nonce": "other"},
        {"nonce": None},
        {"iss": "https://evil.example"},
        {"aud": "other"},
        {"aud": ["trueline", "other"]},
        {"exp": 1},
        {"iat": 4_000_000_000},
        {"azp": "other"},
        {"sub": None},
        {"at_hash": "wrong"},
    ],
)
def test_answer_that_does_not_fit_is_refused(
    forger: Forger, clock: Any, change: dict[str, Any]
) -> None:
    with pytest.raises(Exception, match="cannot be believed"):
        forger.told(clock(), **change)


def test_answer_signed_by_another_key_is_refused(forger: Forger, clock: Any) -> None:
    good = forger.key
    forger.key = RSAKey.generate_key(2048, {"kid": "k"})
    signed = {"iss": "https://id.example", "aud": "trueline", "sub": "ada"}
    text = jwt.encode({"alg": "RS256", "kid": "k"}, signed, good)
    keys = {"keys": [forger.key.as_dict(private=False)]}
    with pytest.raises(Exception, match="cannot be believed"):
        forger.provider._checked({"id_token": text}, keys, forger.login, clock())
