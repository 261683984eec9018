"""How routes are declared, so that /openapi.json is made from the code."""

from typing import Any

from flask_openapi.blueprint import APIBlueprint
from flask_openapi.models.response import Response
from flask_openapi.models.tag import Tag

from api.problems import CONTENT_TYPE, Problem, ProblemDocument

PREFIX = "/api/v1"
Responses = dict[str | int, Any]


def blueprint(name: str, import_name: str, prefix: str | None = PREFIX) -> APIBlueprint:
    """Make a group of routes; each may answer with the problems that any route may answer with."""
    return APIBlueprint(
        name,
        import_name,
        url_prefix=prefix,
        abp_tags=[Tag(name=name)],
        abp_responses=problem_responses(400, 401, 403, 413, 415, 422, 500, 503),
    )


def problem_responses(*statuses: int) -> Responses:
    """Document that a route may answer with problems of these statuses."""
    content = {
        CONTENT_TYPE: {"schema": {"$ref": f"#/components/schemas/{ProblemDocument.__name__}"}}
    }
    return {
        status: Response.model_validate({"description": _title(status), "content": content})
        for status in statuses
    }


def _title(status: int) -> str:
    return next(kind.title for kind in Problem.__subclasses__() if kind.status == status)
