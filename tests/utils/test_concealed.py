import time

import pytest

from utils.concealed import (
    MARK,
    concealed,
    is_secret_name,
    one_line,
    shown_body,
    shown_url,
    url_secrets,
)

SECRET = "s3cr3t-Val/ue+1"


@pytest.mark.parametrize(
    "text",
    [
        f"https://user:{SECRET}@host/path",
        f"https://user:p@{SECRET}@host/path",
        f"see https://host/path?token={SECRET}&page=2 for more",
        f"see https://host/path?state={SECRET}",
        f"see https://host/path?{SECRET}",
        f"https://host/path#access_token={SECRET}",
        f"Authorization: Bearer {SECRET}",
        f"Authorization: Basic {SECRET}",
        f"authorization={SECRET}",
        f"refused: sent Authorization: token {SECRET}",
        f"Authorization: {SECRET} was refused",
        f"Proxy-Authorization: SharedKey account:{SECRET}",
        f"Authorization=ApiKey {SECRET}",
        f'{{"Authorization": "AWS4-HMAC-SHA256 Credential=a, Signature={SECRET}"}}',
        f'Authorization: Digest username="a", realm="b", response="{SECRET}"',
        f"Cookie: a=1; session={SECRET}",
        f"Set-Cookie: session={SECRET}; Path=/",
        f'{{"password": "{SECRET}"}}',
        f'{{"client_secret":"{SECRET} and more"}}',
        f"{{'db_passwd': '{SECRET}'}}",
        f'{{\\"api_key\\": \\"{SECRET}\\"}}',
        f'{{"password": "a\\"{SECRET}"}}',
        f"X-Api-Key: {SECRET}",
        f"access_token={SECRET}&scope=all",
        f"PRIVATE-TOKEN: {SECRET}",
        f'"secret": "{SECRET}',
        f'{{"tokens": ["a", "{SECRET}"]}}',
        f'{{"secret": {{"kind": {{"a": 1}}, "value": "{SECRET}"}}}}',
        f'{{"name": "db_password", "value": "{SECRET}"}}',
        f'<input name="csrf_token" value="{SECRET}">',
        f'<a:Password encoded="no">{SECRET}</a:Password>',
    ],
)
def test_what_looks_like_a_secret_is_not_shown(text: str) -> None:
    shown = concealed(text)
    assert SECRET not in shown
    assert MARK in shown


@pytest.mark.parametrize(
    "token",
    [
        "ghp_" + "a1B2" * 9,
        "github_pat_" + "a1B2" * 9,
        "glpat-" + "a1B2" * 5,
        "AKIA" + "ABCD" * 4,
        "eyJhbGciOiJI.eyJzdWIiOiIx.c2lnbmF0dXJl",
    ],
)
def test_a_token_of_a_known_form_is_not_shown(token: str) -> None:
    assert concealed(f"the server said {token} to us") == f"the server said {MARK} to us"


@pytest.mark.parametrize("form", [SECRET, "s3cr3t-Val%2Fue%2B1", "s3cr3t-Val/ue%2B1"])
def test_a_known_secret_is_taken_out_wherever_it_stands(form: str) -> None:
    assert concealed(f"no: {form}!", [SECRET]) == f"no: {MARK}!"


@pytest.mark.parametrize(
    "said",
    [
        'IntegrationAuthError: {"message": "Bad credentials", "author": "me"} at http://h:1/a?',
        '{"hide_secret": true, "token_expires_at": "soon", "token": null}',
        '{"secret_scanning": {"status": "on"}, "tokens": 4096} <token_type>bearer</token_type>',
        "secret_scanning: enabled, secret_type=aws_key, last_token: 2026-11-20T05:30:00Z",
    ],
)
def test_what_is_no_secret_stays(said: str) -> None:
    assert concealed(said) == said


def test_only_a_value_that_may_be_a_secret_is_one() -> None:
    url = "https://h/a?hide_secret=true&key=name&token=2026-11-20&api_key=a1b2c3d4e5"
    assert url_secrets(url) == ["a1b2c3d4e5"]


def test_a_short_value_does_not_take_the_text_apart() -> None:
    assert concealed("a plain text", ["a"]) == "a plain text"


def test_a_url_keeps_host_path_and_names() -> None:
    url = f"https://me:{SECRET}@host:81/a/bot1:abc/b?x=1&empty=&token={SECRET}#part"
    assert shown_url(url) == "https://***@host:81/a/bot***/b?x=***&empty=&token=***#***"


def test_a_body_is_cut_and_on_one_line() -> None:
    shown = shown_body(b"first\r\nsecond\x1b[31m \xff" + b"x" * 1000, 60)
    assert shown.startswith("first second\\x1b[31m")
    assert len(shown) == 60
    assert shown.endswith("...")


def test_a_secret_at_the_cut_is_taken_out_first() -> None:
    body = "x " * 245 + SECRET * 3
    assert "s3cr" not in shown_body(body, 500, [SECRET])


@pytest.mark.parametrize(
    "name",
    ["Authorization", "X-Api-Key", "api_key", "key", "sig", "Cookie", "db_password", "token"],
)
def test_names_of_secrets_are_known(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    ["Accept", "monkey", "page", "per_page", "author", "signed", "token_type", "secret-scanning"],
)
def test_other_names_are_not(name: str) -> None:
    assert not is_secret_name(name)


@pytest.mark.parametrize(
    "piece",
    ["0", "a", "a.", "-eyJaaaaaaaa", "://", "token ", "token=\\", 'secret="\\', "@:", "token':[{"],
)
def test_no_text_makes_the_search_slow(piece: str) -> None:
    began = time.process_time()
    concealed(piece * 100_000)
    concealed(f"<{piece}token " * 100_000)
    assert time.process_time() - began < 5  # quadratic in what is looked at would still pass


def test_lines_are_flat() -> None:
    assert one_line("a\n\tb\u202ec", 100) == "a b\\u202ec"
