import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from utils.config_schema import validate_config

REPOSITORY = Path(__file__).parents[2]
RunChild = Callable[..., Any]


@pytest.fixture
def schema() -> dict[str, Any]:
    entries = json.loads((REPOSITORY / "integrations.json").read_text())
    (entry,) = [entry for entry in entries if entry["name"] == "hello_world"]
    found: dict[str, Any] = entry["schema"]
    return found


@pytest.mark.parametrize("config", [{}, {"greeting": "Good day", "min_stock": 0}])
def test_its_schema_accepts(config: dict[str, Any], schema: dict[str, Any]) -> None:
    assert validate_config(schema, config) == []


@pytest.mark.parametrize("config", [{"greeting": ""}, {"min_stock": -1}, {"min_stok": 1}])
def test_its_schema_refuses(config: dict[str, Any], schema: dict[str, Any]) -> None:
    assert validate_config(schema, config)


def test_it_greets_and_finds_what_runs_out(run_child: RunChild) -> None:
    child = run_child("hello_world", REPOSITORY)
    assert child.planned == ["list_items", "items_are_greeted", "stock_is_enough"]
    assert child.results["list_items"]["message"] == "3 items on the shelf"
    assert child.results["items_are_greeted"]["verdict"] == "pass"
    stock = child.results["stock_is_enough"]
    assert (stock["verdict"], [resource["id"] for resource in stock["resources"]]) == (
        "fail",
        ["desk"],
    )


def test_its_config_decides(run_child: RunChild) -> None:
    results = run_child(
        "hello_world", REPOSITORY, config={"greeting": "Hi", "min_stock": 0}
    ).results
    assert results["items_are_greeted"]["data"]["greetings"][0] == "Hi, lamp!"
    assert results["stock_is_enough"]["verdict"] == "pass"
