import json
from typing import Any

from flask.testing import FlaskClient
from flask_openapi.openapi import OpenAPI


def spec(client: FlaskClient) -> Any:
    answer = client.get("/openapi.json")
    assert answer.status_code == 200
    return answer.json


def test_every_route_is_described(app: OpenAPI, client: FlaskClient) -> None:
    described = {(method, path) for path, item in spec(client)["paths"].items() for method in item}
    hidden = {"/", "/openapi.json", "/violations", "/jobs/{job_id}", "/static/{filename}"}
    hidden |= {"/login", "/login/oidc", "/login/callback", "/logout"}
    served = {
        (method.lower(), path)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if (path := plain(rule.rule)) not in hidden
    }
    assert served == described


def plain(rule: str) -> str:
    return rule.replace("<path:", "{").replace("<", "{").replace(">", "}")


def test_every_reference_leads_somewhere(client: FlaskClient) -> None:
    document = spec(client)
    names = set(document["components"]["schemas"])
    text = json.dumps(document)
    used = {part.partition('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert used <= names


def test_every_operation_documents_its_answers_and_problems(client: FlaskClient) -> None:
    for path, item in spec(client)["paths"].items():
        for method, operation in item.items():
            answers = operation["responses"]
            assert [status for status in answers if status.startswith("2")], (path, method)
            for status in ("422", "500", "503"):
                content = answers[status]["content"]
                if path != "/health/ready":
                    assert list(content) == ["application/problem+json"], (path, method)
            assert operation["summary"].endswith("."), (path, method)


def test_operation_ids_are_unique(client: FlaskClient) -> None:
    ids = [
        operation["operationId"]
        for item in spec(client)["paths"].values()
        for operation in item.values()
    ]
    assert len(ids) == len(set(ids))
