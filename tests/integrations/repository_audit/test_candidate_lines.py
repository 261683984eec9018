import pytest

from integrations.repository_audit.candidate_lines import (
    AROUND_HIT,
    ENDING,
    LONGEST_LINE,
    CandidateLine,
    candidate_lines,
)


def numbers(text: str) -> list[int]:
    return [line.number for line in candidate_lines(text.encode())]


def test_lines_come_once_in_order_with_their_numbers() -> None:
    text = "a\nPASSWORD = 'x'; token = 'y'\n\nb\nurl: https://u:p@h\n"
    assert numbers(text) == [2, 5]


def test_a_line_brings_the_one_before_and_what_follows() -> None:
    (line,) = candidate_lines(b"before\r\napi_key: x\r\nafter\n")
    assert line == CandidateLine(2, "api_key: x", "before", "\nafter")


def test_the_first_line_has_none_before() -> None:
    (line,) = candidate_lines(b"api_key: x")
    assert (line.number, line.before, line.after) == (1, "", "")


def test_prose_about_passwords_is_passed_over() -> None:
    assert numbers("Choose a password that nobody guesses.\nThe token expires.\n") == []


@pytest.mark.parametrize(
    "text",
    [
        'password = "x"',
        "password: x",
        "PASSWORD=x",
        "db_pass = 'x'",
        '{"client_secret": "x"}',
        "config['token'] = 'x'",
        "define('API_KEY', 'x')",
        'private_key "x";',
        "password := `x`",
        "-----BEGIN RSA PRIVATE KEY-----",
        "//registry.example/:_authToken=npm_x",
        "https://hooks.slack.com/services/T0/B0/x",
    ],
)
def test_whatever_may_hold_a_value_is_a_candidate(text: str) -> None:
    assert numbers(text) == [1]


def test_of_an_overlong_line_the_part_around_each_hit_is_looked_at() -> None:
    filler = b"x" * (3 * LONGEST_LINE)
    text = filler + b";token='one';" + filler + b";token='two';" + filler
    lines = list(candidate_lines(text))
    assert [("one" in line.text, "two" in line.text) for line in lines] == [
        (True, False),
        (False, True),
    ]
    assert all(line.ending == "x" * ENDING for line in lines)
    assert all(len(line.text) <= 2 * AROUND_HIT + 50 for line in lines)
    assert [line.number for line in lines] == [1, 1]


def test_bytes_that_are_no_text_do_not_stop_the_scan() -> None:
    (line,) = candidate_lines(b"\xff\xfe\npassword = '\xe9'\n")
    assert line.number == 2
