import json
from collections.abc import Iterator
from datetime import date
from types import MappingProxyType
from typing import Any

import pytest

from utils.errors import InvalidResult
from utils.findings import Finding, checked_finding
from utils.tasks import TaskType

COLLECTOR, INSIGHT = TaskType.COLLECTOR, TaskType.INSIGHT


def found(returned: Any, kind: TaskType = INSIGHT, limit: int = 100_000) -> Finding:
    return checked_finding(returned, kind, limit)


def generator() -> Iterator[int]:
    yield 1


@pytest.mark.parametrize("data", [{}, [], {"a": 1}, (1, 2), {3}, MappingProxyType({"a": 1})])
def test_a_dict_or_a_list_is_data(data: Any) -> None:
    assert json.loads(found({"data": data}, COLLECTOR).data) is not None


def test_an_insight_passes_unless_it_says_otherwise() -> None:
    assert found({"data": {}}) == Finding("{}", None, violation=False, resources="null")
    assert found({"data": {}, "violation": True, "message": "m"}).violation
    assert found({"data": {}, "violation": True, "message": None}).message is None


def test_resources_alone_mean_violation() -> None:
    finding = found({"data": {}, "resources": [{"id": "a", "severity": "low"}, {"id": "b"}]})
    assert finding.violation
    assert json.loads(finding.resources) == [
        {"id": "a", "message": None, "severity": "low", "data": None},
        {"id": "b", "message": None, "severity": None, "data": None},
    ]


def test_no_resources_are_no_violation() -> None:
    finding = found({"data": {}, "resources": []})
    assert (finding.violation, finding.resources) == (False, "[]")


def test_the_data_of_a_resource_is_converted() -> None:
    resources = json.loads(
        found({"data": {}, "resources": [{"id": "a", "data": {"on": date(2026, 1, 2)}}]}).resources
    )
    assert resources[0]["data"] == {"on": "2026-01-02"}


REFUSED: dict[str, tuple[Any, list[str]]] = {
    "none": (None, ['expected a dict with "data", got None', "forget to return"]),
    "list": ([1], ["expected a dict", "got list"]),
    "text": ("ok", ["got str"]),
    "bool": (True, ["got bool"]),
    "generator": (generator(), ["got generator"]),
    "no data": ({}, ['the key "data" is missing']),
    "text as data": ({"data": "x"}, ["data: expected a dict or a list, got str"]),
    "none as data": ({"data": None}, ["data: expected a dict or a list, got None"]),
    "date as data": ({"data": date(2026, 1, 2)}, ["got date"]),
    "near key": ({"data": {}, "mesage": ""}, ["'mesage'", "did you mean 'message'?"]),
    "near violation": ({"data": {}, "violations": True}, ["did you mean 'violation'?"]),
    "odd key": ({"data": {}, 5: 1}, ["unknown key of type int"]),
    "message": ({"data": {}, "message": 5}, ["message: expected text, got int"]),
    "nul in message": ({"data": {}, "message": "\0"}, ["message: text with a NUL"]),
    "violation": ({"data": {}, "violation": 1}, ["violation: expected True or False, got int"]),
    "violation none": ({"data": {}, "violation": None}, ["violation: expected", "got None"]),
    "contradiction": (
        {"data": {}, "violation": False, "resources": [{"id": "a"}]},
        ["it is False, and there are 1 resources"],
    ),
    "resources": ({"data": {}, "resources": {"id": "a"}}, ["resources: expected a list", "dict"]),
    "resource": ({"data": {}, "resources": ["a"]}, ["resources[0]: expected a dict, got str"]),
    "resource key": (
        {"data": {}, "resources": [{"id": "a", "mesage": "m"}]},
        ["resources[0]: unknown key 'mesage'", "id, message, severity, data"],
    ),
    "no id": ({"data": {}, "resources": [{}]}, ["resources[0].id: expected text, got None"]),
    "number as id": ({"data": {}, "resources": [{"id": 5}]}, ["resources[0].id", "got int"]),
    "empty id": ({"data": {}, "resources": [{"id": " "}]}, ["allowed are 1 to 1,024"]),
    "endless id": ({"data": {}, "resources": [{"id": "x" * 2000}]}, ["2,000 characters"]),
    "same id": (
        {"data": {}, "resources": [{"id": "a"}, {"id": "b"}, {"id": "a"}]},
        ["resources[2].id: the same id 'a' as resources[0]"],
    ),
    "severity": (
        {"data": {}, "resources": [{"id": "a", "severity": "crtical"}]},
        ["resources[0].severity: unknown severity 'crtical'", "did you mean 'critical'?"],
    ),
    "resource data": (
        {"data": {}, "resources": [{"id": "a", "data": [1]}]},
        ["resources[0].data: expected a dict, got list"],
    ),
    "deep resource data": (
        {"data": {}, "resources": [{"id": "a", "data": {"x": [b""]}}]},
        ["resources[0].data.x[0]: bytes cannot be JSON"],
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_anything_else_is_refused_with_what_was_expected_and_what_came(case: str) -> None:
    returned, told = REFUSED[case]
    with pytest.raises(InvalidResult) as caught:
        found(returned)
    assert [part for part in told if part not in str(caught.value)] == [], str(caught.value)
    assert caught.value.advice


@pytest.mark.parametrize("key", ["violation", "resources"])
def test_a_collector_that_judges_is_told_to_be_an_insight(key: str) -> None:
    with pytest.raises(InvalidResult, match='write type="insight"'):
        found({"data": {}, key: None}, COLLECTOR)


def test_data_message_and_resources_share_one_limit() -> None:
    returned = {"data": ["x" * 400], "message": "m" * 400, "resources": [{"id": "i" * 400}]}
    assert found(returned, limit=1300).violation
    with pytest.raises(InvalidResult, match=r"return value: 1,2\d\d bytes .* 1,200 bytes"):
        found(returned, limit=1200)
