"""Writes the generated half of utils/client from the description of this API: `make client`."""

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from api.app import create_app
from api.client_types import (
    annotation,
    default_of,
    is_enum,
    member,
    plain_name,
    references,
)
from api.description import describe, operations
from utils.settings import Settings

TARGET = Path(__file__).resolve().parent.parent / "utils" / "client"
TOLD = "Made from the API's description by `make client`; do not edit."
WORKER_TAGS = frozenset({"leases", "ticks", "catalogue"})
OF_WORKERS = frozenset({"report_events", "upload_task_data"})
Node = Mapping[str, Any]
_SENT: Mapping[str, str] = MappingProxyType(
    {
        "If-Match": '"If-Match": if_match',
        "Idempotency-Key": '"Idempotency-Key": self.key(idempotency_key)',
    }
)


def main() -> None:
    """Write both modules."""
    for name, text in client_code(description()).items():
        (TARGET / name).write_text(text, encoding="utf-8")


def description() -> dict[str, Any]:
    """Return the description of an API that is made for nothing else."""
    with tempfile.TemporaryDirectory() as folder:
        return describe(create_app(Settings.model_validate({"data_dir": folder})))


def client_code(document: Node) -> dict[str, str]:
    """Return the text of each module."""
    wanted = [
        (path, method, operation)
        for path, method, operation in operations(document)
        if not WORKER_TAGS & set(operation["tags"])
        and operation["operationId"] not in OF_WORKERS
        and set(_good(operation).get("content", {})) <= {"application/json"}  # no stream, no page
    ]
    schemas = document["components"]["schemas"]
    names = _needed(wanted, schemas)
    bodies = {name for *_, one in wanted for name in references(one.get("requestBody", {}))}
    return {
        "models.py": _formatted("\n".join(_models(names, bodies, schemas))),
        "operations.py": _formatted("\n".join(_operations(wanted, schemas))),
    }


def _needed(wanted: list[tuple[str, str, Any]], schemas: Node) -> list[str]:
    """Return the schemas that operations refer to, those that others need first."""
    found: dict[str, None] = {}

    def visit(name: str) -> None:
        for inner in references(schemas[name].get("properties", {})):
            visit(inner)
        found.setdefault(name)

    for _, _, operation in wanted:
        parts = [
            operation.get("parameters", []),
            operation.get("requestBody", {}),
            _good(operation),
        ]
        for name in references(parts):
            visit(name)
    return list(found)


def _models(names: list[str], bodies: set[str], schemas: Node) -> Iterator[str]:
    yield f'"""What the API is sent and what it answers.\n\n{TOLD}\n"""\n'
    yield "from datetime import datetime\nfrom enum import StrEnum"
    yield "from typing import Any, Literal\n"
    yield "from pydantic import Field\n\nfrom utils.client.model import Answer, Body\n"
    for name in names:
        schema = schemas[name]
        base = "Body" if name in bodies else "Answer"
        yield from _enum(name, schema) if is_enum(schema) else _class(name, base, schema)


def _enum(name: str, schema: Node) -> Iterator[str]:
    yield f"\nclass {name}(StrEnum):"
    yield f"    {_docstring(schema.get('description', name))}\n"
    for value in schema["enum"]:
        yield f"    {member(value)} = {json.dumps(value)}"
    yield ""


def _class(name: str, base: str, schema: Node) -> Iterator[str]:
    yield f"\nclass {name}({base}):"
    yield f"    {_docstring(schema.get('description', name))}\n"
    required = set(schema.get("required", ()))
    for field, property_ in schema["properties"].items():
        yield f"    {_field(field, property_, is_required=field in required)}"
    yield ""


def _field(name: str, schema: Node, *, is_required: bool) -> str:
    known = plain_name(name)
    options = [] if known == name else [f"alias={json.dumps(name)}"]
    if "description" in schema:
        options.append(f"description={json.dumps(schema['description'])}")
    if not is_required:
        options.insert(0, default_of(schema))
    elif not options:
        return f"{known}: {annotation(schema)}"
    return f"{known}: {annotation(schema)} = Field({', '.join(options)})"


def _operations(wanted: list[tuple[str, str, Any]], schemas: Node) -> Iterator[str]:
    text = "\n".join(line for one in wanted for line in _operation(*one, schemas))
    used = sorted(name for name in schemas if re.search(rf"\b{name}\b", text))
    yield f'"""A method for each operation of the API.\n\n{TOLD}\n"""\n'
    yield "from collections.abc import AsyncIterator, Sequence\nfrom datetime import datetime"
    yield "from typing import Any, Literal\n"
    yield f"from utils.client.models import {', '.join(used)}"
    yield "from utils.client.transport import Transport, part\n\n"
    yield "class Operations(Transport):"
    yield '    """The operations, by the names of the description."""\n'
    yield text


def _operation(path: str, method: str, operation: Node, schemas: Node) -> Iterator[str]:
    parameters = [one for one in operation.get("parameters", ()) if "$ref" not in one]
    taken = {
        one["$ref"].rpartition("/")[2] for one in operation.get("parameters", ()) if "$ref" in one
    }
    in_path = [one["name"] for one in parameters if one["in"] == "path"]
    query = [one for one in parameters if one["in"] == "query"]
    body = operation.get("requestBody")
    answer = _answer_type(operation)
    signature = [f"{name}: str" for name in in_path]
    if body:
        signature.append(f"body: {next(references(body))}")
    named = [f"{one['name']}: {_query_type(one)}" for one in query]
    named += [f"{_argument(name)}: str | None = None" for name in sorted(taken & _SENT.keys())]
    arguments = [
        json.dumps(method.upper()),
        _address(path),
        answer if answer != "Any" else "object",
    ]
    if query:
        arguments.append(
            "query={" + ", ".join(f'"{one["name"]}": {one["name"]}' for one in query) + "}"
        )
    if body:
        arguments.append("body=body")
    if sent := [_SENT[name] for name in sorted(taken & _SENT.keys())]:
        arguments.append(f"headers={{{', '.join(sent)}}}")
    name = operation["operationId"]
    listed = ", ".join(["self", *signature, *(["*", *named] if named else [])])
    yield f"    async def {name}({listed}) -> {answer}:"
    yield f"        {_docstring(operation['summary'])}"
    if answer == "None":
        yield f"        await self.send({', '.join(arguments)})\n"
    else:
        yield f"        return await self.send({', '.join(arguments)})\n"
    if any(one["name"] == "cursor" for one in query):
        kept = [one["name"] for one in query if one["name"] not in {"cursor", "limit"}]
        (item,) = references(schemas[answer]["properties"]["items"])
        yield from _iterator(operation, listed, kept, item)


def _iterator(operation: Node, listed: str, kept: list[str], item: str) -> Iterator[str]:
    """Yield the method that walks over all pages of a list."""
    name = operation["operationId"]
    page = "limit: int | None = None, cursor: str | None = None"
    given = ", ".join(["limit=page_size", "cursor=cursor", *(f"{it}={it}" for it in kept)])
    yield f"""
    async def {name}_all({listed.replace(page, "page_size: int = 100")}) -> AsyncIterator[{item}]:
        {_docstring(operation["summary"].removesuffix(".") + ": all of them, page by page.")}
        cursor: str | None = None
        while True:
            page = await self.{name}({given})
            for item in page.items:
                yield item
            cursor = page.next_cursor
            if cursor is None:
                return
"""


def _good(operation: Node) -> Any:
    answers = operation["responses"]
    return answers[min(status for status in answers if status.startswith("2"))]


def _answer_type(operation: Node) -> str:
    content = _good(operation).get("content")
    if content is None:
        return "None"
    return annotation(content["application/json"].get("schema", {}))


def _query_type(parameter: Node) -> str:
    schema = parameter["schema"]
    if schema.get("type") == "array":
        return f"Sequence[{annotation(schema['items'])}] = ()"
    known = annotation(schema)
    return f"{known} = None" if known.endswith("| None") else f"{known} | None = None"


def _address(path: str) -> str:
    filled = re.sub(r"\{(\w+)\}", r"{part(\1)}", path)
    return f'f"{filled}"' if filled != path else f'"{path}"'


def _argument(header: str) -> str:
    return header.lower().replace("-", "_")


def _docstring(text: str) -> str:
    return f'"""{text.rstrip()}"""'


def _formatted(text: str) -> str:
    ruff = str(Path(sys.executable).with_name("ruff"))
    for command in (
        [
            ruff,
            "check",
            "--quiet",
            "--fix-only",
            "--select",
            "F401,I001",
            "--stdin-filename",
            "utils/client/x.py",
            "-",
        ],
        [ruff, "format", "--quiet", "--stdin-filename", "utils/client/x.py", "-"],
    ):
        done = subprocess.run(
            command,
            input=text,
            capture_output=True,
            text=True,
            cwd=TARGET.parent.parent,
            timeout=60,
            check=True,
        )
        text = done.stdout
    return text


if __name__ == "__main__":
    main()
