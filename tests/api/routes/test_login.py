from typing import Any

import pytest

from api.issued_tokens import revoke_token
from api.principal import Role

pytestmark = pytest.mark.one_database

OWN_PAGE = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}


def test_page_of_a_token_logs_in_and_out(guarded: Any) -> None:
    browser = guarded.app.test_client()
    page = browser.get("/login?next=/violations").text
    assert 'name="next" value="/violations"' in page
    assert "company" not in page
    form = {"token": f" {guarded.issue(Role.OPERATOR, 'ada')[1]}\n", "next": "/violations"}
    answer = browser.post("/login", data=form, headers=OWN_PAGE)
    assert (answer.status_code, answer.location) == (303, "/violations")
    home = browser.get("/").text
    assert "ada (operator)" in home
    assert 'action="/logout"' in home
    kept = browser.get_cookie("trueline_session").value
    out = browser.post("/logout", headers=OWN_PAGE)
    assert (out.status_code, out.location) == (303, "/login")
    assert browser.get_cookie("trueline_session") is None
    browser.set_cookie("trueline_session", kept)
    assert browser.get("/").status_code == 303


def test_wrong_token_is_told_on_the_page_and_opens_nothing(guarded: Any) -> None:
    browser = guarded.app.test_client()
    revoked, text = guarded.issue(Role.ADMIN)
    with guarded.database.write() as connection:
        revoke_token(connection, revoked.id, guarded.clock())
    for token, said in (("", "not one of"), ("x", "not one of"), (text, "was revoked")):
        answer = browser.post("/login", data={"token": token, "next": "/jobs/1"})
        assert answer.status_code == 401
        assert said in answer.text
        assert 'value="/jobs/1"' in answer.text
        assert "Set-Cookie" not in answer.headers


def test_workers_token_logs_nobody_in(guarded: Any) -> None:
    token = guarded.issue(Role.WORKER)[1]
    answer = guarded.app.test_client().post("/login", data={"token": token})
    assert answer.status_code == 403
    assert "Set-Cookie" not in answer.headers


def test_other_site_logs_nobody_in(guarded: Any) -> None:
    form = {"token": guarded.issue(Role.VIEWER)[1]}
    headers = {"Origin": "https://evil.example"}
    answer = guarded.app.test_client().post("/login", data=form, headers=headers)
    assert answer.status_code == 403
    assert "Set-Cookie" not in answer.headers


def test_log_in_leads_to_no_other_site(guarded: Any) -> None:
    form = {"token": guarded.issue(Role.VIEWER)[1], "next": "//evil.example/"}
    assert guarded.app.test_client().post("/login", data=form).location == "/"
    page = guarded.app.test_client().get("/login?next=https://evil.example")
    assert "evil" not in page.text


def test_new_session_each_time_so_none_can_be_planted(guarded: Any) -> None:
    browser = guarded.app.test_client()
    browser.set_cookie("trueline_session", "planted")
    form = {"token": guarded.issue(Role.VIEWER)[1]}
    browser.post("/login", data=form)
    assert browser.get_cookie("trueline_session").value != "planted"


def test_page_lets_a_browser_do_little(guarded: Any) -> None:
    headers = guarded.app.test_client().get("/login").headers
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "form-action 'self'" in headers["Content-Security-Policy"]
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize(
    ("method", "address", "status"),
    [
        ("GET", "/login", 303),
        ("POST", "/login", 404),
        ("GET", "/login/oidc", 404),
        ("GET", "/login/callback", 404),
        ("POST", "/logout", 303),
    ],
)
def test_nobody_logs_in_without_a_key(client: Any, method: str, address: str, status: int) -> None:
    assert client.open(address, method=method).status_code == status
    assert "Log out" not in client.get("/").text
