"""Findings as SARIF 2.1.0, which code hosts show beside the lines of a pull request."""

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from cli.check.finding import Finding, Rule
from cli.check.rules import ALL
from utils import __version__

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def sarif_text(findings: Sequence[Finding]) -> str:
    """Return one SARIF log with one run; every rule is described in it, found or not."""
    run = {
        "tool": {
            "driver": {
                "name": "trueline",
                "semanticVersion": __version__,
                "rules": [_rule(rule) for rule in ALL],
            }
        },
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {"%SRCROOT%": {"description": {"text": "the top of the repository"}}},
        "results": [_result(finding) for finding in findings],
    }
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2, ensure_ascii=False) + "\n"


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": f"{rule.title}: {rule.why}."},
        "help": {"text": f"{rule.title}: {rule.why}. Examples stand in docs/reference/check.md."},
        "defaultConfiguration": {"level": rule.level.value},
    }


def _result(finding: Finding) -> dict[str, Any]:
    return {
        "ruleId": finding.rule.id,
        "ruleIndex": ALL.index(finding.rule),
        "level": finding.rule.level.value,
        "message": {"text": finding.message},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": quote(finding.path), "uriBaseId": "%SRCROOT%"},
                    "region": {"startLine": finding.line},
                }
            }
        ],
    }
