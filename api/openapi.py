"""How routes are declared, so that /openapi.json is made from the code."""

from typing import Any

from flask_openapi.blueprint import APIBlueprint
from flask_openapi.models.response import Response
from flask_openapi.models.tag import Tag

from api.problems import CONTENT_TYPE, Problem, ProblemDocument

PREFIX = "/api/v1"
ANYWHERE = (400, 401, 403, 413, 414, 415, 422, 431, 500, 503, 507)
Responses = dict[str | int, Any]


def blueprint(name: str, import_name: str, prefix: str | None = PREFIX) -> APIBlueprint:
    """Make a group of routes; each may answer with the problems that any route may answer with."""
    return APIBlueprint(
        name,
        import_name,
        url_prefix=prefix,
        abp_tags=[Tag(name=name)],
        abp_responses=problem_responses(*ANYWHERE),
        operation_id_callback=operation_id,
    )


def operation_id(*, bp_name: str = "", name: str, path: str, method: str) -> str:
    """Name an operation that has no name of its own; clients call it so."""
    del path, method
    return f"{bp_name}_{name}"


def problem_responses(*statuses: int) -> Responses:
    """Document that a route may answer with problems of these statuses."""
    return {status: Response.model_validate(_problem_response(status)) for status in statuses}


def _problem_response(status: int) -> dict[str, Any]:
    kind = next(kind for kind in Problem.__subclasses__() if kind.status == status)
    example = kind("what is wrong", "what to do now").document("1ccd64223b114f1299578e6141ca6b49")
    schema = {"$ref": f"#/components/schemas/{ProblemDocument.__name__}"}
    return {
        "description": f"{kind.title} (`{example['type']}`)",
        "content": {CONTENT_TYPE: {"schema": schema, "example": example}},
    }
