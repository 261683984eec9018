from typing import Any

from flask.testing import FlaskClient

URL = "/api/v1/deployments"


def test_input_is_never_echoed(registered: FlaskClient) -> None:
    body = {"name": "/canary", "integration": 7, "config": "canary", "schedule": ["canary"]}
    answer = registered.post(URL, json=body)
    assert answer.status_code == 422
    assert len(answer.get_json()["errors"]) == 4
    assert "canary" not in answer.text


def test_unknown_field_gets_a_suggestion(registered: FlaskClient) -> None:
    answer = registered.post(URL, json={"name": "a", "integration": "dns", "konfig": {}})
    messages = {error["pointer"]: error["message"] for error in answer.get_json()["errors"]}
    assert messages["/konfig"] == "this field is unknown (did you mean 'config'?)"
    assert messages["/config"] == "Field required"


def test_unreadable_json_is_placed(registered: FlaskClient) -> None:
    answer = registered.post(URL, data=b'{\n"a": }', content_type="application/json")
    assert answer.get_json()["detail"] == "the body is not JSON at line 2 column 6"


def test_wrong_query_names_the_parameter(registered: FlaskClient) -> None:
    answer = registered.get(URL, query_string={"limit": 501})
    assert answer.get_json()["detail"].startswith("the query is not valid: /limit: ")


def test_nested_field_of_a_body_is_pointed_at(registered: FlaskClient) -> None:
    source = {"url": "u", "ref": "r", "state": "ok", "color": 1}
    body: dict[str, Any] = {"worker": "w", "commit": None, "source": source, "integrations": []}
    answer = registered.put("/api/v1/catalogue", json=body)
    assert [error["pointer"] for error in answer.get_json()["errors"]] == ["/source/color"]


def test_an_answer_tells_no_more_errors_than_somebody_reads(client: FlaskClient) -> None:
    body = {f"field-{number}": 1 for number in range(50_000)}
    answer = client.post("/api/v1/deployments", json=body)
    assert answer.status_code == 422
    assert len(answer.get_json()["errors"]) == 100
