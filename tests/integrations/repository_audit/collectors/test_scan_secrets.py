from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integrations.repository_audit.conftest import Audit, Repository

AUDITED = Path(__file__).parents[3] / "fixtures" / "audited"
PLANTED = "vK8" + "pLq2ZrT9wXe"


def test_the_secret_itself_is_nowhere_in_what_the_job_reports(unsound_audit: Audit) -> None:
    (found,) = unsound_audit.tasks["scan_secrets"]["data"]["findings"]
    assert (found["path"], found["line"], found["type"]) == ("deploy/prod.py", 3, "Secret Keyword")
    assert PLANTED not in unsound_audit.text


def test_binaries_lock_files_and_links_are_not_scanned(
    audit: Callable[..., Audit], repository: Repository
) -> None:
    line = f'password = "{PLANTED}"\n'
    repository.write({"a.bin": line, "data": b"\0" + line.encode(), "poetry.lock": line})
    (repository.path / "link").symlink_to(f"password='{PLANTED}'")
    repository.commit({"a.py": line})
    result = audit({"url": repository.url}, only=["scan_secrets"]).tasks["scan_secrets"]
    assert [found["path"] for found in result["data"]["findings"]] == ["a.py"]
    assert result["data"]["scanned_files"] == 1
    assert result["partial"] == []


def test_a_text_that_is_too_large_makes_the_scan_partial(cut_short_audit: Audit) -> None:
    assert cut_short_audit.tasks["scan_secrets"]["partial"] == [
        "dump.sql is too large to be scanned"
    ]


def test_the_secret_planted_in_this_repository_is_found_in_its_tests(
    audit: Callable[..., Audit], repository: Repository
) -> None:
    planted = {
        f"tests/fixtures/audited/{file.name}": file.read_bytes() for file in AUDITED.iterdir()
    }
    repository.commit(planted)
    result = audit({"url": repository.url}, only=["scan_secrets"]).tasks["scan_secrets"]
    (found,) = result["data"]["findings"]
    assert (found["type"], found["confidence"]) == ("AWS Access Key", "high")
    assert found["path"] == "tests/fixtures/audited/deploy.env"
