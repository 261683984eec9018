from collections.abc import Callable
from typing import Any

import pytest

SCRIPT = """
from dataclasses import asdict
from integrations.repository_audit.detectors import make_detectors
from integrations.repository_audit.secret_scan import scan_contents
made = make_detectors()
answer = [
    [asdict(found) for found in scan_contents(path, text.encode(), made)] for path, text in given
]
"""
AWS = "AKIA" + "QX7RM2VKLD3WPT5Z"
RANDOM = "vK8" + "pLq2ZrT9wXe"
HEX = "343ea45721923ed9" + "56e2b38c31db76aa"
KEY = "MIIEpAIBAAKCAQEA" + "vK8pLq2ZrT9wXeJd82mPqL0vNxTzR5yWbC7hF1sGaE9uQ4oI"
HEADER = "-----BEGIN RSA " + "PRIVATE KEY-----"
LEAKS = [
    (".env", f"SECRET_KEY={RANDOM}\n"),
    (".env.production", f"export API_KEY={RANDOM} # the real one\n"),
    ("run.sh", f"export TOKEN_PASSWORD={RANDOM}\n"),
    ("app.yaml", f"db:\n  password: {RANDOM}\n"),
    ("app.json", f'{{"client_secret": "{RANDOM}"}}\n'),
    ("app.ini", f"[db]\npassword = {RANDOM}\n"),
    ("app.js", f"const signing = {{token: '{HEX}'}};\n"),
    ("app.php", f"define('ACCESS_TOKEN', '{HEX}');\n"),
    ("Dockerfile", f"ENV DB_PASSWORD={RANDOM}\n"),
    ("main.tf", f'password = "{RANDOM}"\n'),
    ("urls.py", f'URL = "postgres://app:{RANDOM}@db.internal/app"\n'),
]
HARMLESS = [
    ("a.py", 'password = "password"\n'),
    ("a.py", 'password = os.environ["DB_PASSWORD_1"]\n'),
    ("a.yaml", "password: ${DB_PASSWORD_1}\n"),
    ("a.py", f'CHECKSUM = "{HEX}"\n'),
    ("a.py", f'secret_sha256 = "{HEX}"\n'),
    ("a.txt", f"requests==2.0 --hash=sha256:{HEX}{HEX}\n"),
    ("a.py", f'password = "{RANDOM}"  # pragma: allowlist secret\n'),
    ("a.py", f"KEY_START = '{HEADER}'\n"),
    ("a.py", 'URL = "postgres://user:password@localhost/db"\n'),
    ("a.py", "AWS = '" + "AKIA" + "IOSFODNN7EXAMPLE'\n"),
]


@pytest.fixture
def scan(in_environment: Callable[[str, Any], Any]) -> Callable[[str, str], list[dict[str, Any]]]:
    def run(path: str, text: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = in_environment(SCRIPT, [(path, text)])[0]
        return found

    return run


Scan = Callable[[str, str], list[dict[str, Any]]]


def test_a_finding_has_its_place_and_no_text_of_the_secret(scan: Scan) -> None:
    (found,) = scan("deploy/prod.py", f'\n\nDB_PASSWORD = "{RANDOM}"\n')
    assert (found["path"], found["line"], found["type"]) == ("deploy/prod.py", 3, "Secret Keyword")
    assert found["confidence"] == "medium"
    assert RANDOM not in str(found)


@pytest.fixture(scope="module")
def scanned(in_environment: Callable[[str, Any], Any]) -> dict[tuple[str, str], list[Any]]:
    cases = [*LEAKS, *HARMLESS]
    return dict(zip(cases, in_environment(SCRIPT, cases), strict=True))


@pytest.mark.parametrize("case", LEAKS)
def test_secrets_are_found_in_the_files_that_usually_leak(
    scanned: dict[tuple[str, str], list[Any]], case: tuple[str, str]
) -> None:
    assert [found["confidence"] for found in scanned[case]] == ["medium"]


@pytest.mark.parametrize("case", HARMLESS)
def test_what_only_resembles_a_secret_is_passed_over(
    scanned: dict[tuple[str, str], list[Any]], case: tuple[str, str]
) -> None:
    assert scanned[case] == []


def test_a_provider_s_format_counts_everywhere_and_a_plain_value_little_in_tests(
    scan: Scan,
) -> None:
    text = f'KEY = "{AWS}"\npassword = "{RANDOM}"\n'
    assert [found["confidence"] for found in scan("tests/test_a.py", text)] == ["high", "low"]


def test_a_private_key_counts_with_its_material_in_files_and_in_strings(scan: Scan) -> None:
    for text in (f"{HEADER}\n{KEY}\n", f'KEY = "{HEADER}\\n{KEY}\\n"\n'):
        (found,) = scan("deploy/key", text)
        assert (found["type"], found["line"]) == ("Private Key", 1)


def test_a_secret_is_reported_once_however_many_detectors_and_lines_see_it(scan: Scan) -> None:
    text = f'aws_secret_token = "{AWS}"\n\nagain_token = "{AWS}"\n'
    (found,) = scan("deploy.py", text)
    assert (found["type"], found["line"]) == ("AWS Access Key", 1)


def test_moving_a_line_does_not_change_what_names_the_finding(scan: Scan) -> None:
    (before,) = scan("a.py", f'password = "{RANDOM}"\n')
    (after,) = scan("a.py", f'# a comment\n\npassword = "{RANDOM}"\n')
    assert before["hashed_secret"] == after["hashed_secret"]
    assert before["line"] != after["line"]
