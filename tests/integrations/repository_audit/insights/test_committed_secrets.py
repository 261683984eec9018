from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integrations.repository_audit.conftest import Audit, Repository

NAME = "committed_secrets"
PLANTED = "vK8" + "pLq2ZrT9wXe"


def test_a_repository_without_secrets_passes(sound_audit: Audit) -> None:
    assert sound_audit.verdict(NAME) == "pass"


def test_a_committed_secret_fails_with_its_place_and_what_to_do(unsound_audit: Audit) -> None:
    result = unsound_audit.tasks[NAME]
    (found,) = result["resources"]
    assert (result["verdict"], result["severity"]) == ("fail", "critical")
    assert found["id"] == f"deploy/prod.py:{found['data']['hashed_secret']}"
    assert found["message"].startswith("deploy/prod.py line 3: Secret Keyword. Revoke it")


def test_an_incomplete_or_missing_scan_is_unknown(
    cut_short_audit: Audit, blind_audit: Audit
) -> None:
    assert cut_short_audit.verdict(NAME) == "unknown"
    assert blind_audit.verdict(NAME) == "unknown"


def test_weak_findings_in_tests_are_counted_and_open_no_violation(
    audit: Callable[..., Audit], repository: Repository
) -> None:
    repository.commit({"tests/test_a.py": f'password = "{PLANTED}"\n'})
    result = audit({"url": repository.url}, only=["scan_secrets", NAME]).tasks[NAME]
    assert result["verdict"] == "pass"
    assert "1 weaker one in tests and examples not counted" in result["message"]
