import base64
import json
from collections.abc import Callable
from urllib.parse import quote_plus

import pytest

from utils.secret_forms import forms_of_all, worth_hiding


def test_forms_are_sorted_longest_first() -> None:
    lengths = [len(form) for form in forms_of_all(["some secret", "other/secret+x"])]
    assert lengths == sorted(lengths, reverse=True)


@pytest.mark.parametrize("secret", ["pa ss&wörd/+?", 'q"uo\\te\n', "ключ-от-двери", "a~b:c@d"])
def test_every_usual_form_is_among_them(secret: str) -> None:
    forms = forms_of_all([secret])
    data = secret.encode()
    expected = {
        secret,
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        repr(secret)[1:-1],
        quote_plus(secret),
        data.hex(),
        data.hex().upper(),
    }
    assert expected <= set(forms)


def test_blanks_made_one_are_a_form_as_errors_are_told_on_one_line() -> None:
    assert "one two three" in forms_of_all(["one  two\n\tthree"])


@pytest.mark.parametrize("before", [0, 1, 2, 3, 4, 5])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_base64_is_found_wherever_the_secret_begins_in_the_text(
    before: int, encode: Callable[[bytes], bytes]
) -> None:
    secret = "s3cr3t-\u00ff\u00fe-value"
    text = encode(b"u" * before + secret.encode() + b":rest").decode()
    assert any(form in text for form in forms_of_all([secret]) if len(form) > len(secret))


@pytest.mark.parametrize("length", [8, 9, 10])
def test_base64_of_the_secret_alone_is_taken_out_to_its_last_character(length: int) -> None:
    secret = "s3cr3t-v4lue"[:length]
    assert base64.b64encode(secret.encode()).decode() in forms_of_all([secret])


def test_quoted_form_may_have_small_letters() -> None:
    assert "a%2fb%40c" in forms_of_all(["a/b@c"])


def test_short_secret_has_no_form_inside_text() -> None:
    assert forms_of_all(["abc"]) == []


def test_long_lines_of_a_secret_are_secrets_themselves() -> None:
    key = "-----BEGIN KEY-----\nAAAABBBBCCCC\nshort\n-----END KEY-----\n"
    forms = forms_of_all([key])
    assert "AAAABBBBCCCC" in forms
    assert "short" not in forms


@pytest.mark.parametrize(
    ("url", "part"),
    [
        ("https://hooks.slack.com/services/T000/B000/secret", "/services/T000/B000/secret"),
        ("https://ada:s3cr%40t-pw@h/an/ordinary/path", "s3cr@t-pw"),
        ("https://h/an/ordinary/path?v=2026-11-20&sig=abcdefgh", "abcdefgh"),
    ],
)
def test_the_part_of_a_url_that_makes_it_a_secret_is_one_itself(url: str, part: str) -> None:
    forms = forms_of_all([url])
    assert part in forms
    assert {"/an/ordinary/path", "2026-11-20"}.isdisjoint(forms)


def test_what_only_switches_or_counts_is_not_worth_hiding() -> None:
    assert worth_hiding(["hunter2", "true", "5", " ", "tok", "2026-11-20"]) == {
        "hunter2",
        "tok",
        "2026-11-20",
    }
