import pytest

from cli.check.secret_checks import looks_random, secrets_in
from cli.reading.source_file import SourceFile


@pytest.mark.parametrize(
    "value", ["Wq7-zzT4kLp9", "9f8b7c6d5e4f3a2b1c0d", "aB3dE5fG7hJ9kL1mN3pQ", "k3y.v4lu3.r4nd0m"]
)
def test_values_that_look_random(value: str) -> None:
    assert looks_random(value)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "short1",
        "a sentence with 12 words",
        "/run/secrets/token1",
        "YOUR_API_KEY_123",
        "***",
        "${TOKEN_1234567}",
        "aaaaaaaaaaaaaaa1",
        "correct-horse-battery",
        7,
        None,
        "A1" * 400,
    ],
)
def test_values_that_do_not(value: object) -> None:
    assert not looks_random(value)


def test_a_line_of_a_megabyte_takes_no_time() -> None:
    text = "a" * 1_000_000 + "://" + ":" * 1_000_000
    assert list(secrets_in(SourceFile("x.json", text))) == []
