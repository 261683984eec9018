"""What is said of certificates and protocols."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from integrations.http_endpoints.entry import Runner
from utils.testing import Run, run_task

URL = "https://shop.example.com/"
INSIGHTS = ("certificate_expiry", "certificate_trust", "outdated_protocols")


def row(**fields: Any) -> dict[str, Any]:
    days: float = fields.pop("days", 365.5)
    now = datetime.now(UTC)
    certificate = {
        "names": ["shop.example.com"],
        "issuer": "CN=Authority",
        "not_before": (now - timedelta(days=30)).isoformat(),
        "not_after": (now + timedelta(days=days)).isoformat(),
    }
    usual: dict[str, Any] = {
        "protocol": "TLSv1.3",
        "problem": None,
        "outdated_protocol": None,
        "errors": [],
    }
    return {"url": URL, "host": "shop.example.com", "certificate": certificate} | usual | fields


def judge(insight: str, *rows: dict[str, Any], **given: Any) -> Run:
    return run_task(
        insight,
        config={"urls": [URL]},
        runner=Runner,
        data={"read_certificates": {"certificates": list(rows)}},
        **given,
    )


@pytest.mark.parametrize("insight", INSIGHTS)
def test_a_good_certificate_passes(insight: str) -> None:
    judge(insight, row()).assert_pass()


@pytest.mark.parametrize("insight", INSIGHTS)
def test_what_was_not_seen_is_unknown(insight: str) -> None:
    unseen = {"url": URL, "host": "shop.example.com", "errors": ["refused"]}
    missing = {"read_certificates": [f"{URL}: refused"]}
    judge(insight, row(), unseen, partial=missing).assert_unknown("refused")


@pytest.mark.parametrize(
    ("days", "severity", "told"),
    [
        (29.5, "medium", "expires in 29 days"),
        (7.5, "medium", "expires in 7 days"),
        (6.5, "critical", "expires in 6 days"),
        (-0.5, "critical", "expired on"),
    ],
)
def test_few_days_are_critical(days: float, severity: str, told: str) -> None:
    (found,) = judge("certificate_expiry", row(days=days)).assert_fail({URL}).resources
    assert found["severity"] == severity
    assert told in found["message"]


def test_the_config_says_how_many_days_are_few() -> None:
    config = {"urls": [URL], "certificate_days": 400, "certificate_critical_days": 380}
    data = {"read_certificates": {"certificates": [row()]}}
    run = run_task("certificate_expiry", config=config, runner=Runner, data=data)
    assert run.assert_fail({URL}).resources[0]["severity"] == "critical"


@pytest.mark.parametrize(
    ("problem", "told"),
    [
        ("expired", "expired on"),
        ("not yet valid", "not valid before"),
        ("wrong name", "is for shop.example.com, not for"),
        ("self-signed", "self-signed"),
        ("unknown authority", "by CN=Authority"),
        ("invalid", "refused: said so"),
    ],
)
def test_each_reason_for_distrust_has_its_advice(problem: str, told: str) -> None:
    distrusted = row(problem={"problem": problem, "reason": "said so"})
    (found,) = judge("certificate_trust", distrusted).assert_fail({URL}).resources
    assert told in found["message"]


@pytest.mark.parametrize(
    ("fields", "severity"),
    [
        ({"outdated_protocol": "TLSv1.1"}, None),
        ({"protocol": "TLSv1", "outdated_protocol": "TLSv1"}, "high"),
    ],
)
def test_outdated_protocols_are_worse_without_a_better_one(
    fields: dict[str, str], severity: str | None
) -> None:
    (found,) = judge("outdated_protocols", row(**fields)).assert_fail({URL}).resources
    assert found["severity"] == severity
