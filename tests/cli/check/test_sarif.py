"""The shape that SARIF 2.1.0 asks for, as far as its published schema says it."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from jsonschema_rs import validator_for

from cli.check.finding import Finding
from cli.check.rules import ALL
from cli.check.sarif import sarif_text

Check = Callable[..., list[Finding]]
TEXT = {"type": "object", "required": ["text"], "properties": {"text": {"minLength": 1}}}
LEVEL = {"enum": ["none", "note", "warning", "error"]}
RULE = {
    "type": "object",
    "required": ["id", "shortDescription", "fullDescription", "help", "defaultConfiguration"],
    "additionalProperties": False,
    "properties": {
        "id": {"type": "string", "pattern": "^[a-z]+(-[a-z]+)*$"},
        "shortDescription": TEXT,
        "fullDescription": TEXT,
        "help": TEXT,
        "defaultConfiguration": {"properties": {"level": LEVEL}, "additionalProperties": False},
    },
}
LOCATION = {
    "type": "object",
    "required": ["physicalLocation"],
    "properties": {
        "physicalLocation": {
            "required": ["artifactLocation", "region"],
            "additionalProperties": False,
            "properties": {
                "artifactLocation": {
                    "required": ["uri"],
                    "additionalProperties": False,
                    "properties": {
                        "uri": {"type": "string", "format": "uri-reference", "pattern": "^[^/]"},
                        "uriBaseId": {"type": "string"},
                    },
                },
                "region": {
                    "required": ["startLine"],
                    "additionalProperties": False,
                    "properties": {"startLine": {"type": "integer", "minimum": 1}},
                },
            },
        }
    },
}
SHAPE = {
    "type": "object",
    "required": ["version", "runs"],
    "additionalProperties": False,
    "properties": {
        "$schema": {"type": "string", "format": "uri"},
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["tool", "results"],
                "additionalProperties": False,
                "properties": {
                    "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                    "originalUriBaseIds": {"type": "object"},
                    "tool": {
                        "required": ["driver"],
                        "properties": {
                            "driver": {
                                "required": ["name"],
                                "additionalProperties": False,
                                "properties": {
                                    "name": {"type": "string"},
                                    "semanticVersion": {"type": "string"},
                                    "rules": {"items": RULE, "uniqueItems": True},
                                },
                            }
                        },
                    },
                    "results": {
                        "items": {
                            "required": ["message"],
                            "additionalProperties": False,
                            "properties": {
                                "ruleId": {"type": "string"},
                                "ruleIndex": {"type": "integer", "minimum": -1},
                                "level": LEVEL,
                                "message": TEXT,
                                "locations": {"type": "array", "items": LOCATION},
                            },
                        }
                    },
                },
            },
        },
    },
}


@pytest.fixture
def log(check: Check) -> dict[str, Any]:
    findings = check({"collectors/ü b.py": "def broken(:\n", "requirements.txt": "boto3\n"})
    parsed: dict[str, Any] = json.loads(sarif_text(findings))
    return parsed


def test_it_has_the_published_shape(log: dict[str, Any]) -> None:
    errors = validator_for(SHAPE, validate_formats=True).iter_errors(log)
    assert [str(error) for error in errors] == []


def test_each_result_points_to_its_rule_and_file(log: dict[str, Any]) -> None:
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == [rule.id for rule in ALL]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert rules[result["ruleIndex"]]["defaultConfiguration"]["level"] == result["level"]
    places = {
        result["ruleId"]: result["locations"][0]["physicalLocation"] for result in run["results"]
    }
    assert places["syntax"]["artifactLocation"]["uri"] == (
        "integrations/shop/collectors/%C3%BC%20b.py"
    )
    assert re.fullmatch(r"[\x21-\x7e]+", places["syntax"]["artifactLocation"]["uri"])
    assert places["requirement-unpinned"]["region"]["startLine"] == 1


def test_without_findings_there_is_a_run_without_results() -> None:
    assert json.loads(sarif_text([]))["runs"][0]["results"] == []
