"""The OpenAPI description: what flask-openapi makes of the code, and what holds for every route."""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from threading import Lock
from types import MappingProxyType
from typing import Any

from flask_openapi.openapi import OpenAPI

from api.cookies import OVER_TLS, SESSION
from api.once import HOLDS_SECRET
from api.openapi import PREFIX, Routes

VERSION = "3.1.0"  # what tools read; flask-openapi names a later one
Node = dict[str, Any]
_ONE_AT_A_TIME = Lock()  # what describes routes is not made for several threads
_KEY_SCHEMA = {"type": "string", "pattern": "^[!-~]{1,255}$"}
_TAG_SCHEMA = {"type": "string", "examples": ['"3b6f0c4e5a1d2f7890abcdef"']}
HEADERS: Mapping[str, tuple[str, Node]] = MappingProxyType(
    {
        "X-Request-ID": ("names this request in the API's log", {"type": "string"}),
        "ETag": ("names what was answered, for If-None-Match and If-Match", {"type": "string"}),
        "Location": ("where what was made is", {"type": "string"}),
        "Retry-After": ("seconds to wait", {"type": "integer", "minimum": 0}),
        "WWW-Authenticate": ("what the API wants (RFC 6750)", {"type": "string"}),
        "Idempotency-Replayed": (
            "`true`: this request was carried out before, and this was the answer",
            {"type": "string", "const": "true"},
        ),
    }
)
PARAMETERS: Mapping[str, tuple[str, Node]] = MappingProxyType(
    {
        "If-None-Match": ("an ETag: 304 if the answer would be the same", _TAG_SCHEMA),
        "If-Match": ("an ETag: 412 if somebody has changed it since", _TAG_SCHEMA),
        "Idempotency-Key": (
            "any name for this request, such as a UUID: sent twice, it is carried out once",
            _KEY_SCHEMA,
        ),
    }
)
SECURITY: Mapping[str, Node] = MappingProxyType(
    {
        "bearer": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "needed where the API has a signing key; without one it serves "
            "loopback alone and needs no token",
        },
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": SESSION,
            "description": "of a log-in at the web page; over TLS its name begins with "
            f"`{OVER_TLS}`. It changes nothing unless the browser says that our own page asked",
        },
    }
)


def describe(app: OpenAPI) -> Node:
    """Return the description of an app, whose routes have all been registered."""
    with _ONE_AT_A_TIME:
        for routes in app.blueprints.values():
            if isinstance(routes, Routes):
                routes.describe_in(app)
        document: Node = deepcopy(app.api_doc)
    document["openapi"] = VERSION
    document["security"] = [{name: []} for name in SECURITY] + [{}]
    components = document["components"]
    components["securitySchemes"] = dict(SECURITY)
    components["headers"] = {
        name: {"description": text, "schema": schema} for name, (text, schema) in HEADERS.items()
    }
    components["parameters"] = {
        name: {"name": name, "in": "header", "description": text, "schema": schema}
        for name, (text, schema) in PARAMETERS.items()
    }
    keyed = _keyed(app)
    for path, method, operation in operations(document):
        _complete(operation, method, is_versioned=path.startswith(PREFIX))
        if (path, method) in keyed:
            _take(operation, "Idempotency-Key")
            _tell(_good(operation), "Idempotency-Replayed")
    return document


def operations(document: Mapping[str, Any]) -> Iterator[tuple[str, str, Node]]:
    """Yield each operation with its path and method."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def _keyed(app: OpenAPI) -> set[tuple[str, str]]:
    """Return the operations that act once for an Idempotency-Key."""
    found = set()
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        if hasattr(getattr(view, "__wrapped__", view), HOLDS_SECRET):
            path = rule.rule.replace("<", "{").replace(">", "}")
            found |= {(path, method.lower()) for method in rule.methods or ()}
    return found


def _complete(operation: Node, method: str, *, is_versioned: bool) -> None:
    operation.setdefault("parameters", [])
    answers = operation["responses"]
    for status, answer in answers.items():
        _tell(answer, "X-Request-ID")
        if status == "401":
            _tell(answer, "WWW-Authenticate")
        if status == "503":
            _tell(answer, "Retry-After")
    good = _good(operation)
    if {"201", "202"} & answers.keys():
        _tell(good, "Location")
    if method == "get" and is_versioned and "application/json" in good.get("content", {}):
        _take(operation, "If-None-Match")
        _tell(good, "ETag")
        answers["304"] = {"description": "Not Modified: you have it already"}
        for name in ("X-Request-ID", "ETag"):
            _tell(answers["304"], name)
    if "412" in answers:
        _take(operation, "If-Match")
        if "content" in good:
            _tell(good, "ETag")


def _good(operation: Node) -> Node:
    """Return the answer that tells of success."""
    answers: Node = operation["responses"]
    good: Node = answers[min(status for status in answers if status.startswith("2"))]
    return good


def _tell(answer: Node, name: str) -> None:
    answer.setdefault("headers", {})[name] = {"$ref": f"#/components/headers/{name}"}


def _take(operation: Node, name: str) -> None:
    reference = {"$ref": f"#/components/parameters/{name}"}
    operation["parameters"].append(reference)
