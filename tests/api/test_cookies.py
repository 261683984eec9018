from datetime import timedelta

import pytest
from flask import Flask, Response

from api.cookies import SESSION, drop_cookie, session_cookie, set_cookie


@pytest.mark.parametrize(
    ("address", "starts"),
    [
        ("http://localhost/", "trueline_session=x; "),
        ("https://localhost/", "__Host-trueline_session=x; Secure; "),
    ],
)
def test_cookie_is_for_this_host_alone_and_no_script(address: str, starts: str) -> None:
    app = Flask(__name__)
    with app.test_request_context(base_url=address):
        response = Response()
        set_cookie(response, SESSION, "x", timedelta(hours=1))
    said = response.headers["Set-Cookie"]
    name, _, rest = said.partition("; ")
    assert starts.startswith(name)
    assert {"HttpOnly", "Path=/", "SameSite=Lax", "Max-Age=3600"} <= set(rest.split("; "))
    assert ("Secure" in rest.split("; ")) == address.startswith("https")
    assert "Domain" not in said


def test_cookie_of_the_other_scheme_is_not_taken() -> None:
    app = Flask(__name__)
    given = {"Cookie": "trueline_session=x"}
    with app.test_request_context(base_url="http://localhost/", headers=given):
        assert session_cookie() == "x"
    with app.test_request_context(base_url="https://localhost/", headers=given):
        assert session_cookie() == ""


def test_dropped_cookie_is_forgotten() -> None:
    app = Flask(__name__)
    with app.test_request_context(base_url="https://localhost/"):
        response = Response()
        drop_cookie(response, SESSION)
    assert response.headers["Set-Cookie"].startswith("__Host-trueline_session=; ")
    assert "Max-Age=0" in response.headers["Set-Cookie"]
