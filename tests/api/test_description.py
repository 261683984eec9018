import re
from typing import Any

import pytest
from flask.testing import FlaskClient
from flask_openapi.openapi import OpenAPI

from api.description import describe, operations

pytestmark = pytest.mark.one_database


@pytest.fixture
def found(app: OpenAPI) -> dict[str, Any]:
    document = describe(app)
    return {operation["operationId"]: operation for _, _, operation in operations(document)}


def names(operation: Any) -> set[str]:
    return {one["$ref"].rpartition("/")[2] for one in operation["parameters"] if "$ref" in one}


def test_operations_have_names_that_read_well(found: dict[str, Any]) -> None:
    assert {"list_violations", "create_deployment", "start_job", "follow_job"} <= set(found)
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", name) for name in found)


def test_each_answer_tells_its_headers(found: dict[str, Any]) -> None:
    for operation in found.values():
        for answer in operation["responses"].values():
            assert "X-Request-ID" in answer["headers"]
    created = found["create_deployment"]["responses"]
    assert {"Location", "Idempotency-Replayed"} <= set(created["201"]["headers"])
    assert "Retry-After" in created["503"]["headers"]


def test_keys_and_etags_are_described_where_they_work(found: dict[str, Any]) -> None:
    keyed = {name for name, one in found.items() if "Idempotency-Key" in names(one)}
    assert keyed == {
        "create_deployment",
        "start_job",
        "init_integrations",
        "create_token",
        "create_webhook",
        "test_webhook",
        "redeliver",
    }
    matched = {name for name, one in found.items() if "If-Match" in names(one)}
    assert matched == {
        "change_deployment",
        "delete_deployment",
        "decide_violation",
        "change_webhook",
        "delete_webhook",
    }
    assert "304" in found["list_jobs"]["responses"]
    assert "304" not in found["follow_job"]["responses"]


def test_problems_have_examples_with_their_types(found: dict[str, Any]) -> None:
    content = found["read_job"]["responses"]["404"]["content"]["application/problem+json"]
    assert content["example"]["type"] == "urn:trueline:problem:not-found"


def test_token_is_described_and_not_asked_for(app: OpenAPI, client: FlaskClient) -> None:
    document = client.get("/openapi.json").get_json()
    assert document["security"] == [{"bearer": []}, {"session": []}, {}]
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    assert document == describe(app)
