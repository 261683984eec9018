"""The description of the API, made from its code, and a page to read it; all of it served here."""

from importlib.resources import files
from pathlib import Path
from typing import Any, cast

from flask import Response, current_app, render_template, send_file
from flask_openapi.openapi import OpenAPI

from api.description import describe
from api.openapi import blueprint
from utils import __version__

DESCRIPTION = "trueline.description"
POLICY = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
YEAR_SECONDS = 365 * 24 * 3600
routes = blueprint("spec", __name__, prefix=None)


@routes.get("/openapi.json", doc_ui=False)
def spec() -> dict[str, Any]:
    """Describe every route."""
    known: dict[str, Any] = current_app.extensions
    if DESCRIPTION not in known:
        known[DESCRIPTION] = describe(cast("OpenAPI", current_app))
    described: dict[str, Any] = known[DESCRIPTION]
    return described


@routes.get("/docs", doc_ui=False)
def docs() -> Response:
    """Show the description as a page; its script comes from a wheel, by way of this API."""
    response = current_app.make_response(render_template("docs.html", version=__version__))
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


@routes.get("/docs/rapidoc.js", doc_ui=False)
def script() -> Response:
    """Serve the script of that page."""
    path = Path(str(files("flask_openapi_rapidoc") / "templates/rapidoc/js/rapidoc-min.js"))
    return send_file(path, mimetype="text/javascript", max_age=YEAR_SECONDS)
