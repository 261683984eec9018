"""Turns what pydantic found wrong with a request into a problem, without echoing the input."""

import json
from typing import Any, NoReturn, get_type_hints

from flask import current_app, request
from pydantic import BaseModel, ValidationError

from api.models import Path, Query
from api.problems import BadRequest, FieldError, Unprocessable, UnsupportedMedia
from utils.pointers import json_pointer
from utils.suggest import did_you_mean

MOST_ERRORS = 100  # that one answer tells
NO_OBJECT = frozenset({"model_type", "model_attributes_type", "dict_type"})


def refuse_request(error: ValidationError) -> NoReturn:
    """Raise the problem that says what is wrong; flask-openapi calls it."""
    model = _model_named(error.title)
    if not issubclass(model, Path | Query):
        _refuse_unreadable_body()
    where = "query" if issubclass(model, Query) else "path" if issubclass(model, Path) else "body"
    errors = [
        FieldError(json_pointer(found["loc"]), _message(found["type"], found, model))
        for found in error.errors(include_url=False, include_input=False)[:MOST_ERRORS]
    ]
    first = errors[0]
    raise Unprocessable(
        f"the {where} is not valid: {first.pointer or 'as a whole'}: {first.message}",
        "correct the values that `errors` points to; /openapi.json describes the request",
        errors=errors,
    )


def _refuse_unreadable_body() -> None:
    if request.content_length == 0 or not request.get_data(cache=True):
        raise BadRequest("the request has no body", "send a JSON object")
    if not request.is_json:
        raise UnsupportedMedia(
            "the body is not announced as JSON", "send it with Content-Type: application/json"
        )
    try:
        current_app.json.loads(request.get_data(cache=True))
    except ValueError as error:
        place = ""
        if isinstance(error, json.JSONDecodeError):
            place = f" at line {error.lineno} column {error.colno}"
        raise BadRequest(f"the body is not JSON{place}", "send one JSON object") from error


def _model_named(title: str) -> type[BaseModel]:
    view = current_app.view_functions[request.endpoint or ""]
    hints = get_type_hints(getattr(view, "__wrapped__", view)).values()
    models = [hint for hint in hints if isinstance(hint, type) and issubclass(hint, BaseModel)]
    return next((model for model in models if model.__name__ == title), BaseModel)


def _message(kind: str, found: Any, model: type[BaseModel]) -> str:
    message: str = found["msg"]
    if kind in NO_OBJECT:
        return "expected a JSON object"
    if kind != "extra_forbidden":
        return message.removeprefix("Value error, ")
    known = model.model_fields if len(found["loc"]) == 1 else ()
    return f"this field is unknown{did_you_mean(str(found['loc'][-1]), known)}"
