"""How routes are declared, so that /openapi.json is made from the code."""

from collections.abc import Callable
from typing import Any

from flask_openapi.blueprint import APIBlueprint
from flask_openapi.models.response import Response
from flask_openapi.models.tag import Tag
from flask_openapi.openapi import OpenAPI
from flask_openapi.types import ParametersTuple
from flask_openapi.utils import parse_parameters

from api.problems import CONTENT_TYPE, Problem, ProblemDocument

PREFIX = "/api/v1"
ANYWHERE = (400, 401, 403, 413, 414, 415, 422, 431, 500, 503, 507)
Responses = dict[str | int, Any]


class Routes(APIBlueprint):
    """A group of routes; they are described when somebody asks, which few processes ever see."""

    def __init__(self, name: str, import_name: str, **said: Any) -> None:
        super().__init__(name, import_name, **said)
        self._undescribed: list[Callable[[], object]] = []

    def describe_in(self, app: OpenAPI) -> None:
        """Add the description of each route to that of an app."""
        while self._undescribed:
            self._undescribed.pop(0)()
        known = {tag.name for tag in app.tags}
        app.tags += [tag for tag in self.tags if tag.name not in known]
        app.paths |= self.paths
        app.components_schemas |= self.components_schemas

    def _collect_openapi_info(self, rule: str, func: Any, **said: Any) -> ParametersTuple:
        collect = super()._collect_openapi_info
        self._undescribed.append(lambda: collect(rule, func, **said))
        return parse_parameters(func, doc_ui=False)


def blueprint(name: str, import_name: str, prefix: str | None = PREFIX) -> Routes:
    """Make a group of routes; each may answer with the problems that any route may answer with."""
    return Routes(
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
