"""The description of the API, made from its code."""

from typing import Any, cast

from flask import current_app
from flask_openapi.openapi import OpenAPI

from api.openapi import blueprint

routes = blueprint("spec", __name__, prefix=None)


@routes.get("/openapi.json", doc_ui=False)
def spec() -> dict[str, Any]:
    """Describe every route."""
    return cast("OpenAPI", current_app).api_doc
