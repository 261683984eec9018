from collections.abc import Callable
from typing import Any

SCRIPT = """
from integrations.repository_audit import secret_shape as shape
answer = [
    [value for value, line in given["likely"] if not shape.looks_like_a_secret(value, line)],
    [value for value, line in given["unlikely"] if shape.looks_like_a_secret(value, line)],
    [value for value in given["placeholders"] if not shape.is_placeholder(value)],
    [value for value in given["tokens"] if shape.is_placeholder(value)],
]
"""
RANDOM = "vK8" + "pLq2ZrT9wXe"
LIKELY = [
    (RANDOM, f'password = "{RANDOM}"'),
    ("7f3a9c" + "1e5b8d2046", "token: x"),
    ("Tr0ub4dor" + "&3-horse", "pwd=x"),
    ("c2VjcmV0LW" + "9mLXNvbWVvbmU0Mg==", "secret = x"),
]
UNLIKELY = [
    ("short1", "password = x"),
    ("password123", "password = x"),
    ("changeme-2024", "password = x"),
    ("your_api_key_1", "api_key = x"),
    ("aaaaaaaaaaaa1", "secret = x"),
    ("{{ vault_password1 }}", "password: x"),
    ("${DB_PASSWORD_2}", "password: x"),
    ("os.environ['PASSWORD_1']", "password = x"),
    ("get_secret(name, 42)", "secret = x"),
    ("settings.auth.client_secret2", "secret = x"),
    ("/run/secrets/db_password1", "password_file = x"),
    ("https://host.example/token1", "token_url = x"),
    ("correct-horse-battery", "password = x"),
    ("1.13.5-k8s-vault", "image: x/secrets:1.13.5-k8s-vault"),
    ("if_you_see_this_use_k8s", "SECRET = x"),
    ("9f86d081" + "884c7d659a2feaa0", "password_sha256 = x"),
    ("123e4567-e89b-12d3-a456-426614174000", "token = x"),
    ("ClientSecretCredential2", "credential = x"),
]
PLACEHOLDERS = [
    "AKIA" + "IOSFODNN7EXAMPLE",
    "ghp_" + "x" * 36,
    "glpat-" + "12345678" * 3,
    "xoxb-1-test",
]
TOKENS = ["AKIA" + "QX7RM2VKLD3WPT5Z", "ghp_" + "k3Jd82mPqL0vNxTzR5yWbC7hF1sGaE9uQ4oI"]


def test_random_values_are_told_from_names_placeholders_and_references(
    in_environment: Callable[[str, Any], Any],
) -> None:
    given = {
        "likely": LIKELY,
        "unlikely": UNLIKELY,
        "placeholders": PLACEHOLDERS,
        "tokens": TOKENS,
    }
    missed, mistaken, unseen, refused = in_environment(SCRIPT, given)
    assert (missed, mistaken, unseen, refused) == ([], [], [], [])
