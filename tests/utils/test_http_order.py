from datetime import UTC, date, datetime
from enum import Enum

import pytest

from utils.errors import IntegrationNotConfigured, IntegrationPermanentError
from utils.http_order import Endpoint, Order, encoded_body, origin_of, query_text, secrets_of


class Colour(Enum):
    RED = "red"


@pytest.mark.parametrize(
    ("base", "path", "url"),
    [
        ("https://h", "a", "https://h/a"),
        ("https://h/", "/a/", "https://h/a/"),
        ("https://h/v1", "/a", "https://h/v1/a"),
        ("https://h/v1/", "a?x=1#part", "https://h/v1/a?x=1"),
        ("https://h/v1/", "", "https://h/v1/"),
        ("https://h/v1", "", "https://h/v1"),
        ("https://h:443/v1", "https://H/v2/a?x=1", "https://h/v2/a?x=1"),
        ("http://[::1]:80", "a", "http://[::1]/a"),
        ("https://h/v1?key=k", "a?x=1", "https://h/v1/a?key=k&x=1"),
        ("https://h/v1?key=k", "https://h/a?key=new&page=2", "https://h/a?key=new&page=2"),
        ("https://h", "//evil.example/a", "https://h/evil.example/a"),
        ("https://h", "a/..b/c..", "https://h/a/..b/c.."),
    ],
)
def test_a_path_is_put_below_the_base(base: str, path: str, url: str) -> None:
    assert Endpoint.read(base).address(path) == url


def test_parameters_are_added_to_those_of_the_path() -> None:
    url = Endpoint.read("https://h").address("/a?x=1", {"y": [1, "2 3"], "z": None, "t": True})
    assert url == "https://h/a?x=1&y=1&y=2+3&t=true"


@pytest.mark.parametrize(
    "url", ["http://h/a", "https://h:444/a", "https://h.evil/a", "https://h@evil/a", "https://[h"]
)
def test_another_origin_is_refused(url: str) -> None:
    with pytest.raises(IntegrationPermanentError, match="is not at https://h;"):
        Endpoint.read("https://h").address(url)


@pytest.mark.parametrize("path", ["../x", "a/../../b", "a/%2e%2e/b", "a\\..\\b", "https://h/../x"])
def test_a_path_that_leads_upwards_is_refused(path: str) -> None:
    with pytest.raises(IntegrationPermanentError, match="leads upwards"):
        Endpoint.read("https://h/v1").address(path)


def test_the_user_of_a_url_becomes_a_header() -> None:
    endpoint = Endpoint.read("https://me:p%40ss@h/v1")
    assert endpoint.url == "https://h/v1"
    assert endpoint.authorization == {"authorization": "Basic bWU6cEBzcw=="}
    assert Endpoint.read("https://h").authorization == {}


def test_what_is_no_base_url_is_told_without_its_password() -> None:
    with pytest.raises(IntegrationNotConfigured) as raised:
        Endpoint.read("htps://me:hunter22@h")
    assert "hunter22" not in str(raised.value)


def test_values_of_parameters_have_one_form() -> None:
    values = {
        "day": date(2026, 1, 2),
        "at": datetime(2026, 1, 2, 3, tzinfo=UTC),
        "colour": Colour.RED,
        "no": False,
    }
    text = "day=2026-01-02&at=2026-01-02T03%3A00%3A00%2B00%3A00&colour=red&no=false"
    assert query_text(values) == text
    assert query_text(None) == ""
    assert query_text([("a", 1), ("a", 2)]) == "a=1&a=2"


def test_a_body_that_json_does_not_know_is_the_callers_error() -> None:
    with pytest.raises(ValueError, match="Out of range float"):
        encoded_body(float("nan"), None)


def test_a_redirect_elsewhere_takes_only_public_headers() -> None:
    headers = {"accept": "a", "x-key": "secret", "authorization": "Bearer secret"}
    order = Order("GET", "https://h/a", headers, None, 1, repeatable=True)
    assert order.redirected(302, "https://h:443/b").headers == headers
    assert order.redirected(302, "https://h:444/b").headers == {"accept": "a"}
    assert order.redirected(302, "http://h/b").headers == {"accept": "a"}


def test_origins_that_mean_the_same_are_the_same() -> None:
    assert origin_of("HTTPS://H:443/x") == origin_of("https://h")


def test_the_secrets_of_a_request_are_known() -> None:
    headers = {"authorization": "Basic bWU6cEBzcw==", "x-api-key": "abc", "accept": "json"}
    found = secrets_of(headers, "https://h/?token=t0ken-v4lue&page=2")
    assert {"p@ss", "me:p@ss", "bWU6cEBzcw==", "abc", "t0ken-v4lue"} <= set(found)
    assert "json" not in found
    assert "2" not in found


@pytest.mark.parametrize(
    ("headers", "content"),
    [
        ({}, b'{"user": "somebody", "password": "s3cret-value"}'),
        ({}, b'{"user": "somebody", "login": {"credentials": ["s3cret-value", 7]}}'),
        ({}, b"grant_type=client_credentials&client_secret=s3cret-value"),
        ({"cookie": "lang=en; sid=s3cret-value"}, None),
        ({"authorization": 'Token token="s3cret-value"'}, b"\x00\xff"),
    ],
)
def test_so_are_those_inside_its_body_and_headers(
    headers: dict[str, str], content: bytes | None
) -> None:
    found = Order("POST", "https://h/a", headers, content, 1, repeatable=False).secrets
    assert "s3cret-value" in found
    assert not {"somebody", "client_credentials", "en"} & set(found)


def test_what_is_shown_of_a_request_is_its_address() -> None:
    headers = {"authorization": "Bearer abcdef"}
    order = Order("GET", "https://h/abcdef/b?page=2", headers, None, 1, repeatable=True)
    assert order.shown == "GET https://h/***/b"
