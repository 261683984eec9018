import json
from collections.abc import Callable
from typing import Any

import pytest

import cli.commands.webhooks as webhooks_module


@pytest.fixture
def hook(live: Any) -> Any:
    ran = live("webhooks", "add", "ops", "https://example.invalid/s3cret", "--json")
    assert ran.code == 0, ran.err
    yield ran.json
    live("webhooks", "remove", "ops")


def test_webhook_is_added_tried_and_removed(live: Any, hook: Any) -> None:
    assert hook["secret"].startswith("whsec_")
    listed = live("webhooks", "list")
    assert "https://example.invalid/…" in listed.out
    assert "s3cret" not in listed.out + json.dumps(hook)
    assert live("webhooks", "add", "ops", "https://example.invalid/").code == 2
    assert "is pending" in live("webhooks", "test", "ops").out
    rows = live("webhooks", "deliveries", "--webhook", "ops", "--json").json
    assert [row["type"] for row in rows] == ["dev.trueline.test"]
    assert live("webhooks", "redeliver", rows[0]["id"]).code == 2  # it is on its way
    assert "dev.trueline.test" in live("webhooks", "deliveries", "--status", "pending").out


def test_filters_are_sent_and_the_secret_is_shown_once(live: Any) -> None:
    flags = ["--min-severity", "high", "--job-status", "failed", "--integration", "nap"]
    kind = ["--type", "dev.trueline.job.finished"]
    ran = live("webhooks", "add", "few", "https://example.invalid/", *flags, *kind)
    assert "whsec_" in ran.out
    (made,) = [row for row in live("webhooks", "list", "--json").json if row["name"] == "few"]
    assert (made["min_severity"], made["job_statuses"]) == ("high", ["failed"])
    assert (made["integration"], made["types"]) == ("nap", ["dev.trueline.job.finished"])
    assert "removed" in live("webhooks", "remove", "few").out


def test_address_inside_is_refused_with_advice(live: Any) -> None:
    ran = live("webhooks", "add", "inside", "https://169.254.169.254/")
    assert ran.code == 2
    assert "TRUELINE_NOTIFY_PRIVATE" in ran.err


def test_every_command_has_help() -> None:
    group: Any = webhooks_module.command
    names: list[Callable[..., Any]] = list(group.commands.values())
    assert all(getattr(it, "help", None) for it in names)
