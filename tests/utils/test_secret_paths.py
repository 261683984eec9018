import time

import pytest

from utils.secret_paths import without_credentials


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/services/T000/B000/secret", "/services/T000/B000/***"),
        ("/bot123456:AAHdqT/sendMessage", "/bot***/sendMessage"),
        ("/bot123456%3AAAHdqT/sendMessage", "/bot***/sendMessage"),
        ("/webhooks/123456789012345678/a_B-c?wait=1", "/webhooks/123456789012345678/***?wait=1"),
        ("/webhookb2/a@b/IncomingWebhook/c/d", "/webhookb2/***"),
        ("/hooks/xo8kfzjqbtrn3bq6xyz1234abc", "/hooks/***"),
        ("/hooks/catch/12/a1b2c3d4e5f6g7h8/i9/", "/hooks/catch/12/***"),
        ("/v1/token/A1b2C3d4E5f6G7h8/lookup", "/v1/token/***/lookup"),
    ],
)
def test_credentials_of_known_forms_are_not_shown(path: str, shown: str) -> None:
    for before, after in (("", ""), ("POST https://h", " failed"), ('"', '"')):
        assert without_credentials(f"{before}{path}{after}", "***") == f"{before}{shown}{after}"


@pytest.mark.parametrize(
    "path",
    [
        "/repos/acme/shop/hooks/123456789012345678/deliveries/12345678901234567890",
        "/hooks/550e8400-e29b-41d4-a716-446655440000/test",
        "/repos/acme/shop/commits/0123456789abcdef0123456789abcdef01234567",
        "/secrets/prod-database-password-2/versions/latest",
        "/services/team/billing/report",
        "/bots/1234:x/messages",
        "/repos/acme/shop/secret-scanning/alerts",
    ],
)
def test_ordinary_paths_stay(path: str) -> None:
    assert without_credentials(path, "***") == path


@pytest.mark.parametrize("piece", ["/hooks/", "/bot1", "/hooks/a.", "/token/a1", "/services/T00/"])
def test_no_text_makes_the_search_slow(piece: str) -> None:
    began = time.process_time()
    without_credentials(piece * 1_500, "***")  # as much as is looked at
    assert time.process_time() - began < 5
