"""Where redirects lead and what goes along, against real servers."""

from typing import TYPE_CHECKING

import pytest

from tests.remote import BEARER, SECRET
from utils.errors import (
    IntegrationError,
    IntegrationPermanentError,
)
from utils.http import HTTPClient

if TYPE_CHECKING:
    from tests.remote import Asker, Remote


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirects_are_followed_with_their_credentials_at_home(
    ask: "Asker", remote: "Remote", status: int
) -> None:
    remote.replies("/old", remote.reply(status, headers=(("Location", "/new?page=2#x"),)))
    remote.replies("/new", remote.json("here"))
    assert ask(remote.url, "get", "/old", headers=BEARER) == "here"
    assert remote.targets == ["GET /old", "GET /new?page=2"]
    assert remote.got[1].headers["authorization"] == BEARER["Authorization"]


@pytest.mark.parametrize(("status", "method"), [(303, "GET"), (302, "GET"), (307, "POST")])
def test_a_redirected_post_keeps_its_body_where_it_stays_a_post(
    ask: "Asker", remote: "Remote", status: int, method: str
) -> None:
    remote.replies("/old", remote.reply(status, headers=(("Location", "new"),)))
    remote.replies("/new", remote.json("here"))
    assert ask(remote.url, "post", "/old", json=[1]) == "here"
    assert remote.got[1].method == method
    assert remote.got[1].body == (b"[1]" if method == "POST" else b"")


def test_credentials_do_not_follow_to_another_origin(
    ask: "Asker", remote: "Remote", other_remote: "Remote"
) -> None:
    elsewhere = (("Location", f"{other_remote.url}/new"),)
    remote.replies("/old", remote.reply(302, headers=elsewhere))
    other_remote.replies("/new", remote.json("there"))
    headers = BEARER | {"X-Api-Key": SECRET, "Cookie": f"session={SECRET}", "X-Custom": SECRET}
    assert ask(remote.url, "get", "/old", headers=headers) == "there"
    assert SECRET not in str(other_remote.got[0])
    assert other_remote.got[0].headers["accept"] == "application/json"


@pytest.mark.parametrize(
    ("location", "told"),
    [
        ("/round", "more than 10 redirects"),
        ("ftp://host/file", "not HTTP"),
        ("file:///etc/passwd", "not HTTP"),
        ("http://[bad", "no URL"),
    ],
)
def test_a_redirect_that_leads_nowhere_is_permanent(
    ask: "Asker", remote: "Remote", location: str, told: str
) -> None:
    remote.replies("/round", remote.reply(302, headers=(("Location", location),)))
    with pytest.raises(IntegrationPermanentError, match=told):
        ask(remote.url, "get", "/round")


def test_an_absolute_url_of_another_origin_is_refused(ask: "Asker", remote: "Remote") -> None:
    with pytest.raises(IntegrationPermanentError, match="is not at"):
        ask(remote.url, "get", f"http://localhost:{remote.port}/", headers=BEARER)
    assert not remote.got


def test_what_is_posted_does_not_follow_to_another_origin(
    ask: "Asker", remote: "Remote", other_remote: "Remote"
) -> None:
    away = (("Location", f"{other_remote.url}/x"),)
    remote.replies("/", remote.reply(307, b"", away))
    with pytest.raises(IntegrationPermanentError, match="a redirect of what was sent"):
        ask(remote.url, "post", "/", json={"client_secret": SECRET})
    assert not other_remote.got


def test_cookies_stay_at_their_origin(remote: "Remote", other_remote: "Remote") -> None:
    other = f"http://127.0.0.1:{other_remote.port}"
    remote.replies("/login", remote.json(1, Set_Cookie="session=abc; Path=/"))
    remote.replies("/me", remote.json(2))
    remote.replies("/away", remote.reply(302, b"", (("Location", f"{other}/x"),)))
    other_remote.replies("/x", other_remote.json(3, Set_Cookie="session=planted; Path=/"))
    with HTTPClient(remote.url) as client:
        assert [client.get(path) for path in ("/login", "/away", "/me")] == [1, 3, 2]
    assert "cookie" not in other_remote.got[0].headers
    assert remote.got[-1].headers["cookie"] == "session=abc"


@pytest.mark.parametrize("place", ["http://a..b/", f"http://{'a' * 70}/", "http://[", "//h:99999/"])
def test_a_redirect_to_no_host_is_an_error_of_the_tree(
    ask: "Asker", remote: "Remote", place: str
) -> None:
    remote.replies("/", remote.reply(302, b"", (("Location", place),)))
    with pytest.raises(IntegrationError):
        ask(remote.url, "get", "/")
