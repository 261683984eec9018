import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from flask.testing import FlaskClient
from flask_openapi.openapi import OpenAPI

if TYPE_CHECKING:
    from tests.api.served import Served

pytestmark = pytest.mark.one_database


def spec(client: FlaskClient) -> Any:
    answer = client.get("/openapi.json")
    assert answer.status_code == 200
    return answer.json


def test_every_route_is_described(app: OpenAPI, client: FlaskClient) -> None:
    described = {(method, path) for path, item in spec(client)["paths"].items() for method in item}
    hidden = {
        "/",
        "/openapi.json",
        "/docs",
        "/docs/rapidoc.js",
        "/violations",
        "/jobs/{job_id}",
        "/static/{filename}",
    }
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


def test_docs_page_needs_nothing_from_elsewhere(client: FlaskClient) -> None:
    page = client.get("/docs")
    assert page.headers["Content-Security-Policy"].startswith("default-src 'self';")
    assert "script-src" not in page.headers["Content-Security-Policy"]
    assert re.findall(r"https?://", page.text) == []
    assert "<script>" not in page.text
    for address in re.findall(r'(?:src|href|spec-url)="([^"]+)"', page.text):
        with client.get(address) as answer:
            assert answer.status_code == 200, address
    with client.get("/docs/rapidoc.js") as script:
        assert script.mimetype == "text/javascript"


CHROMIUM = shutil.which("chromium")


@pytest.mark.skipif(CHROMIUM is None, reason="there is no browser here")
def test_browser_shows_the_docs_page_under_its_policy(
    start_server: "Callable[..., Served]", tmp_path: Path
) -> None:
    command = [
        str(CHROMIUM),
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
    ]
    command += [f"--user-data-dir={tmp_path / 'browser'}", "--virtual-time-budget=8000"]
    command += ["--enable-logging=stderr", f"--print-to-pdf={tmp_path / 'page.pdf'}"]
    url = f"{start_server().url}/docs"
    done = subprocess.run([*command, url], capture_output=True, text=True, timeout=120, check=True)
    assert "Content Security Policy" not in done.stderr
    assert "Refused to" not in done.stderr
    assert (tmp_path / "page.pdf").stat().st_size > 50_000  # it has many pages: every operation


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


def test_every_post_that_creates_or_sends_takes_an_idempotency_key(client: FlaskClient) -> None:
    key = {"$ref": "#/components/parameters/Idempotency-Key"}
    for path, item in spec(client)["paths"].items():
        if "post" in item and {"201", "202"} & item["post"]["responses"].keys():
            is_of_forges = path.startswith("/webhooks/")  # they send an id of their own
            assert (key in item["post"]["parameters"]) is not is_of_forges, path


def test_both_ways_to_say_who_one_is_are_described(client: FlaskClient) -> None:
    document = spec(client)
    schemes = document["components"]["securitySchemes"]
    assert {it["type"] for it in schemes.values()} == {"http", "apiKey"}
    assert schemes["session"]["name"] == "trueline_session"
    assert document["security"] == [{"bearer": []}, {"session": []}, {}]


def test_operation_ids_are_unique(client: FlaskClient) -> None:
    ids = [
        operation["operationId"]
        for item in spec(client)["paths"].values()
        for operation in item.values()
    ]
    assert len(ids) == len(set(ids))
