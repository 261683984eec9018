"""The rules for Prometheus name metrics that there are, and a next step each."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

REPOSITORY = Path(__file__).parents[2]
FILE = REPOSITORY / "deploy" / "prometheus" / "alerts.yaml"
RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load(FILE.read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
]
OPERATING = (REPOSITORY / "docs" / "operating.md").read_text(encoding="utf-8")
METRICS = {
    name: {it.strip() for it in labels.split(",")}
    for name, labels in re.findall(r"^\| `(trueline_\w+)` \|(.*?)\|", OPERATING, re.MULTILINE)
}
OF_PROMETHEUS = {"job", "instance"}


@pytest.mark.parametrize("rule", RULES, ids=[rule["alert"] for rule in RULES])
def test_rule_asks_for_metrics_that_there_are(rule: dict[str, Any]) -> None:
    named = re.findall(r"\b(trueline_\w+)(?:\{(.*?)\})?", rule["expr"])
    assert named or re.search(r"\b(?:up|probe_success)\{", rule["expr"])
    for metric, matchers in named:
        assert metric in METRICS
        assert set(re.findall(r"(\w+)[=!]", matchers)) <= METRICS[metric]
        for label in re.findall(r"\b(?:by|without) \((\w+)\)", rule["expr"]):
            assert label in METRICS[metric] | OF_PROMETHEUS


@pytest.mark.parametrize("rule", RULES, ids=[rule["alert"] for rule in RULES])
def test_rule_says_what_is_wrong_and_what_to_do(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in {"warning", "critical"}
    assert set(rule["annotations"]) == {"summary", "next"}
