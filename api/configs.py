"""Checks the config of a deployment against its integration's schema."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row

from api.config_secrets import MASK, SEALED, SecretBox
from api.problems import FieldError, Unprocessable
from api.secret_key import SecretKeyError
from api.storable import storage_fault
from utils.config_schema import secret_pointers, validate_config
from utils.notes import Note
from utils.pointers import value_at

MOST_SHOWN = 50


def check_config(schema: Mapping[str, Any], config: dict[str, Any]) -> tuple[str, ...]:
    """Return the pointers to the secrets of a config in clear; raises Unprocessable."""
    check_form(config)
    _refuse(_schema_errors(schema, config))
    pointers = secret_pointers(schema, config)
    _refuse(
        [
            FieldError(pointer, "this secret is masked and none is stored; send it in clear")
            for pointer in pointers
            if value_at(config, pointer) == MASK
        ]
    )
    return pointers


def check_form(config: dict[str, Any]) -> None:
    """Refuse what no config may hold, such as our mark of a sealed secret; for what comes in."""
    _refuse(_form_errors(config))


@dataclass(frozen=True)
class Judged:
    """A stored config, every secret in it sealed, and why it does not fit its schema."""

    config: dict[str, Any]
    fault: Note | None


def judge_stored(secrets: SecretBox, schema: Mapping[str, Any], deployment: Row[Any]) -> Judged:
    """Judge the stored config of a deployment; what the schema now calls a secret gets sealed."""
    try:
        opened = secrets.open_config(deployment.id, deployment.config)
    except SecretKeyError as error:
        return Judged(deployment.config, Note.of(error))
    pointers = secret_pointers(schema, opened.config)
    config = deployment.config
    if not set(pointers) <= set(opened.pointers):
        config = secrets.seal(config, pointers, deployment.id)
    return Judged(config, _fault(_schema_errors(schema, opened.config), deployment.id))


def _schema_errors(schema: Mapping[str, Any], config: dict[str, Any]) -> list[FieldError]:
    return [FieldError(pointer, message) for pointer, message in validate_config(schema, config)]


def _fault(errors: list[FieldError], deployment_id: str) -> Note | None:
    if not errors:
        return None
    first = errors[0]
    return Note(
        f"its config does not fit the integration's schema: {first.pointer or '/'}: "
        f"{first.message}",
        f"PATCH /api/v1/deployments/{deployment_id} with a config that fits",
    )


def _form_errors(config: dict[str, Any]) -> list[FieldError]:
    fault = storage_fault(config)
    if fault is not None:
        return [fault]
    if _has_key(config, SEALED):
        return [FieldError("", f"the name {SEALED!r} is ours; use another")]
    return []


def _has_key(value: Any, key: str) -> bool:
    if isinstance(value, dict):
        return key in value or any(_has_key(inner, key) for inner in value.values())
    return isinstance(value, list) and any(_has_key(inner, key) for inner in value)


def _refuse(errors: list[FieldError]) -> None:
    if not errors:
        return
    placed = [
        FieldError(f"/config{error.pointer}".rstrip("/"), error.message)
        for error in errors[:MOST_SHOWN]
    ]
    raise Unprocessable(
        f"the config is not valid: {placed[0].pointer}: {placed[0].message}",
        "correct the values that `errors` points to; the integration's schema says what fits",
        errors=placed,
    )
