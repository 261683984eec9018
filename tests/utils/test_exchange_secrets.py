"""Tests of what is taken out of exchanges before they are kept."""

import base64

import pytest

from utils.exchange_secrets import Stripper

SECRET = "s3cr3t/tok+en"


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        "s3cr3t%2Ftok%2Ben",
        base64.b64encode(f"user:{SECRET}".encode()).decode(),
        SECRET.encode().hex(),
        'a "quoted" s3cr3t/tok+en',
    ],
)
def test_a_secret_goes_in_every_form(form: str) -> None:
    stripped = Stripper([SECRET]).text(f"before {form} after")

    assert SECRET not in stripped
    assert form not in stripped
    assert "***" in stripped
    assert stripped.startswith("before ")


def test_secrets_go_from_json_at_any_depth_keys_and_numbers_too() -> None:
    stripper = Stripper([SECRET, "4711471147"])

    value = stripper.json({"a": [{SECRET: SECRET}], "pin": 4711471147, "n": 1.5, "b": True})

    assert value == {"a": [{"***": "***"}], "pin": "***", "n": 1.5, "b": True}


def test_a_short_secret_goes_where_it_is_the_whole_text() -> None:
    stripper = Stripper(["abc"])

    assert (stripper.text("abc"), stripper.text("abcdef")) == ("***", "abcdef")


@pytest.mark.parametrize("name", ["access_token", "refreshToken", "client-secret", "password"])
def test_fields_that_hand_out_secrets_are_emptied_whatever_they_hold(name: str) -> None:
    assert Stripper().json({name: "fresh"}) == {name: "***"}


def test_what_was_handed_out_goes_from_what_comes_after() -> None:
    stripper = Stripper()
    assert stripper.json({"token": "minted-9876/54"}) == {"token": "***"}

    assert stripper.url("https://x.example/s/minted-9876%2F54?q=1") == "https://x.example/s/***?q=1"
    assert stripper.json(["Bearer minted-9876/54"]) == ["Bearer ***"]


def test_a_token_of_a_known_form_goes_wherever_it_stands() -> None:
    assert Stripper().json({"value": f"it is ghs_{'a1B2' * 9}"}) == {"value": "it is ***"}


def test_data_that_only_sounds_like_secrets_stays() -> None:
    value = {"secret_type": "aws_key", "token_expires_at": "2030-01-01", "credentials": []}

    assert Stripper().json(value) == value


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://ada:pw@x.example/a?b=1", "https://x.example/a?b=1"),
        ("https://x.example/a?api_key=hello&b=1#f", "https://x.example/a?api_key=***&b=1"),
        ("https://x.example/a?hide_secret=true", "https://x.example/a?hide_secret=true"),
        ("https://x.example/services/T00/B00/x", "https://x.example/services/T00/B00/***"),
        ("https://x.example/a?page_token=p2", "https://x.example/a?page_token=p2"),
        (f"https://x.example/hook/{SECRET}", "https://x.example/hook/***"),
        ("https://x.example/?q=a%20b&q=c", "https://x.example/?q=a%20b&q=c"),
    ],
)
def test_urls_lose_users_and_secret_values_alone(url: str, kept: str) -> None:
    assert Stripper([SECRET]).url(url) == kept


def test_of_a_request_only_harmless_headers_are_kept() -> None:
    headers = {
        "accept": "application/json",
        "authorization": "Bearer x",
        "cookie": "a=b",
        "x-github-api-version": "2022-11-28",
        "user-agent": "me",
        "x-anything": "y",
    }

    kept = Stripper().request_headers(headers)

    assert kept == {"accept": "application/json", "x-github-api-version": "2022-11-28"}


def test_of_an_answer_cookies_and_transport_go_and_links_lose_their_secrets() -> None:
    headers = {
        "content-type": "text/plain",
        "content-encoding": "gzip",
        "set-cookie": "session=1",
        "set-cookie2": "session=1",
        "x-auth-token": "abc",
        "x-token-expiration": "2030-01-01 00:00:00 UTC",
        "location": "https://x.example/a?X-Sig-Signature=abcdefgh&page=2",
        "link": '<https://x.example/a?api_key=hello&page=2>; rel="next"',
    }

    kept = Stripper().answer_headers(headers)

    assert kept == {
        "content-type": "text/plain",
        "x-token-expiration": "2030-01-01 00:00:00 UTC",
        "location": "https://x.example/a?X-Sig-Signature=***&page=2",
        "link": '<https://x.example/a?api_key=***&page=2>; rel="next"',
    }


def test_a_form_loses_secret_values() -> None:
    assert Stripper().form("grant_type=x&client_secret=abc") == "grant_type=x&client_secret=***"
