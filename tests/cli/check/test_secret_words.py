import pytest

from cli.check.secret_words import looks_random, names_a_secret


@pytest.mark.parametrize(
    "value",
    [
        "Wq7-zzT4kLp9",
        "9f8b7c6d5e4f3a2b1c0d",
        "aB3dE5fG7hJ9kL1mN3pQ",
        "k3y.v4lu3.r4nd0m",
        "wJa1rXUtnFEMI/K7MDENG/bPxRfiCYzzz9zzKEYs",
        "550e8400-e29b-41d4-a716-446655440000",
    ],
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
        "integrations/GitHub2/collectors/List1",
        "https://login.internal/v2/Users",
        "YOUR_API_KEY_123",
        "***",
        "${TOKEN_1234567}",
        "<paste-it-here-1>",
        "env:SHOP_KEY_12345",
        "vault:kv/shop#key1",
        "2023-04-26T20:57:46Z",
        "2023-04-26T20:57:46+02:00",
        "aaaaaaaaaaaaaaa1",
        "correct-horse-battery",
        7,
        None,
        "A1" * 400,
    ],
)
def test_values_that_do_not(value: object) -> None:
    assert not looks_random(value)


@pytest.mark.parametrize(
    "name", ["token", "DB_PASSWORD", "apiKey", "client-secret", "stripe_key", "session_id", "auth"]
)
def test_names_of_secrets(name: str) -> None:
    assert names_a_secret(name)


@pytest.mark.parametrize(
    "name",
    [
        *("key", "cache_key", "publicKey", "next_page_token", "token_url", "password_file"),
        *("token_expires_at", "secret_name", "auth_method", "signature", "tokens", "id"),
    ],
)
def test_names_of_what_is_none(name: str) -> None:
    assert not names_a_secret(name)
