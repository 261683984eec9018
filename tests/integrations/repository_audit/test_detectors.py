from collections.abc import Callable
from typing import Any

import pytest

SEEN = """
from integrations.repository_audit.candidate_lines import candidate_lines
from integrations.repository_audit import detectors as chosen
made = chosen.make_detectors()
answer = {}
for name, text in given.items():
    answer[name] = sorted({
        match.type
        for line in candidate_lines(text.encode())
        for group in (made.token_formats, made.key_files, made.signed_tokens, made.assignments)
        for match in chosen.matches(group, "settings.py", line)
    })
"""
# Each is put together here, so that this file does not look like one that leaks.
RANDOM = "k3Jd82mPqL0vNxTzR5yWbC7hF1sGaE9uQ4oIxM6t"
LINES = {
    "Artifactory Credentials": 'x = "AKC' + 'p5k3Jd82mPqL0"',
    "AWS Access Key": "id: AKIA" + "QX7RM2VKLD3WPT5Z",
    "Azure Storage Account access key": "AccountKey=" + RANDOM + RANDOM + "k3Jd82m=",
    "Discord Bot Token": "MTk4NjIyNDgzNDcxOTI1" + "MjQ4.Cl2FMQ.ZnCjm1XVW7vRze4b7Cq4se7kKWs",
    "GitHub Token": "ghp_" + RANDOM[:36],
    "GitLab Token": "glpat-" + RANDOM[:20],
    "Mailchimp Access Key": "343ea45721923ed9" + "56e2b38c31db76aa-us30",
    "NPM tokens": "//registry.example/:_authToken=" + "npm_" + RANDOM[:30],
    "OpenAI Token": "sk-" + RANDOM[:20] + "T3BlbkFJ" + RANDOM[:20],
    "PyPI Token": "pypi-AgEIcHlwaS5vcmc" + RANDOM + RANDOM,
    "SendGrid API Key": "SG." + RANDOM[:22] + "." + RANDOM + "abc",
    "Slack Token": "xoxb-" + "523423-234243-e039d02840a0b9379c",
    "Square OAuth Secret": "sq0csp-" + RANDOM + "abc",
    "Stripe Access Key": "sk_live_" + RANDOM[:24],
    "Telegram Bot Token": "7213808860:" + "AAH1bjqpKKW3maRSPAxzIU-0v6xNuq2-NjM",
    "Twilio API Key": "SK" + "343ea45721923ed956e2b38c31db76aa",
    "Private Key": "-----BEGIN RSA " + "PRIVATE KEY-----",
    "JSON Web Token": "eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl",
    "Basic Auth Credentials": "https://ann:" + RANDOM[:12] + "@host.example",
    "Secret Keyword": 'password = "' + RANDOM[:12] + '"',
}
ALLOWED = """
from integrations.repository_audit.candidate_lines import candidate_lines
from integrations.repository_audit.detectors import is_allowlisted
answer = [
    any(is_allowlisted(path, line) for line in candidate_lines(text.encode()))
    for path, text in given
]
"""
PRAGMAS = [
    ("a.py", 'password = "x"  # pragma: allowlist secret', True),
    ("a.go", 'password := "x" // pragma: allowlist secret', True),
    ("a.yaml", "# pragma: allowlist nextline secret\npassword: x", True),
    ("a.xml", '<a password="x" /> <!-- pragma: allowlist secret -->', True),
    ("a.js", 'token = "x"; y = "' + "z" * 5000 + '" // pragma: allowlist secret', True),
    ("a.py", 'password = "x"  # pragma: allow', False),
    ("a.py", 'password = "pragma: allowlist secret"', False),
    ("a.yaml", "a: 1 # pragma: allowlist secret\npassword: x", False),
]


@pytest.fixture(scope="module")
def seen(in_environment: Callable[[str, Any], Any]) -> Any:
    return in_environment(SEEN, LINES)


@pytest.mark.parametrize("kind", LINES)
def test_every_chosen_detector_gets_to_see_its_format(seen: Any, kind: str) -> None:
    assert kind in seen[kind]


def test_the_pragma_is_read_as_detect_secrets_reads_it(
    in_environment: Callable[[str, Any], Any],
) -> None:
    given = [(path, text) for path, text, _ in PRAGMAS]
    assert in_environment(ALLOWED, given) == [allowed for *_, allowed in PRAGMAS]
