import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests import preloaded

pytestmark = pytest.mark.one_database

Start = Callable[..., Any]


@pytest.fixture
def starter() -> Callable[..., preloaded.Started]:
    """Start with an interpreter of its own, which is what is tested here."""
    return preloaded.start_for_real


def test_server_migrates_binds_registers_and_keeps_its_records_over_a_restart(
    start_server: Start, commit_source: Callable[..., str]
) -> None:
    commit = commit_source([{"name": "dns", "title": "DNS"}])
    served = start_server()
    events = {line["event"]: line for line in served.log_lines}
    assert events["database ready"]["revision"]
    assert events["API listening"]["address"] == served.url
    assert httpx2.get(f"{served.url}/health/ready", trust_env=False).json()["status"] == "ok"
    public = [path.name for path in served.data_dir.iterdir() if path.stat().st_mode & 0o077]
    assert public == ["api.address"]
    answer = httpx2.post(f"{served.url}/init-integrations", timeout=30, trust_env=False)
    assert answer.status_code == 200
    assert (answer.json()["created"], answer.json()["commit"]) == (["dns"], commit)
    served.process.terminate()
    assert served.process.wait(20) == 0
    found = httpx2.get(f"{start_server().url}/api/v1/integrations", trust_env=False).json()
    assert [item["name"] for item in found["items"]] == ["dns"]


@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        ({"TRUELINE_API_HOST": "0.0.0.0"}, "not a loopback address"),
        ({"TRUELINE_SIGNING_KEY_FILE": "/none"}, "cannot be read"),
        ({"TRUELINE_API_HOSTS": "a.example"}, "no signing key"),
        ({"TRUELINE_OIDC_ISSUER": "https://id.example"}, "needs TRUELINE_SIGNING_KEY_FILE"),
        ({"TRUELINE_API_PROT": "1"}, "did you mean"),
        ({"TRUELINE_DATABASE_URL": "sqlite:////nowhere/at/all.db"}, "cannot be opened"),
        ({"TRUELINE_DATABASE_URL": "poetry"}, "TRUELINE_DATABASE_URL"),
    ],
)
def test_server_that_cannot_start_says_why_and_what_to_do(
    start_server: Start, variables: dict[str, str], reason: str
) -> None:
    served = start_server(wait=False, **variables)
    assert served.process.wait(30) == 2
    said = served.log.read_text()
    assert reason in said
    assert "Traceback" not in said


def test_busy_port_is_a_clear_error(start_server: Start) -> None:
    port = start_server().url.rpartition(":")[2]
    second = start_server(wait=False, TRUELINE_API_PORT=port)
    assert second.process.wait(30) == 2
    assert f"port {port} on 127.0.0.1 is in use" in second.log.read_text()


@pytest.mark.parametrize(
    ("argument", "code", "words"),
    [
        ("--help", 0, "usage: python -m api"),
        ("--api-prot=1", 2, "unknown flag --api-prot (did you mean '--api-port'?)"),
    ],
)
def test_arguments_are_answered_with_how_to_use_it(argument: str, code: int, words: str) -> None:
    end = subprocess.run(
        [sys.executable, "-m", "api", argument],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert end.returncode == code
    assert words in end.stdout + end.stderr
    assert "Traceback" not in end.stderr


def test_server_with_a_key_asks_for_tokens_and_believes_no_forwarded_header(
    start_server: Start, key_file: Path
) -> None:
    told = {"TRUELINE_API_HOST": "0.0.0.0", "TRUELINE_API_HOSTS": "trueline.example.com"}
    served = start_server(TRUELINE_SIGNING_KEY_FILE=str(key_file), **told)
    forged = {"X-Forwarded-Proto": "https", "X-Forwarded-Ssl": "on"}
    answer = httpx2.get(f"{served.url}/api/v1/jobs", headers=forged, trust_env=False)
    assert answer.status_code == 401
    assert "Strict-Transport-Security" not in answer.headers
    foreign = {"Host": "evil.example"}
    assert httpx2.get(f"{served.url}/login", headers=foreign, trust_env=False).status_code == 403
    named = {"Host": "trueline.example.com"}
    assert httpx2.get(f"{served.url}/login", headers=named, trust_env=False).status_code == 200


def test_key_that_others_can_read_is_refused_at_the_start(
    start_server: Start, key_file: Path
) -> None:
    key_file.chmod(0o644)
    served = start_server(wait=False, TRUELINE_SIGNING_KEY_FILE=str(key_file))
    assert served.process.wait(30) == 2
    assert "chmod 600" in served.log.read_text()
