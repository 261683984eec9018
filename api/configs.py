"""Checks the config of a deployment against its integration's schema."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row

from api.config_secrets import MASK, OUR_NAMES, OpenConfig, SecretBox
from api.problems import FieldError, Unprocessable
from api.secret_key import SecretKeyError
from api.storable import storage_fault
from utils.config_schema import secret_pointers, validate_config
from utils.notes import Note
from utils.secret_places import outermost, sorted_secrets

MOST_SHOWN = 50


def check_config(
    schema: Mapping[str, Any], config: dict[str, Any], kept: Collection[str] = ()
) -> OpenConfig:
    """Return a config that came in as it is to be stored; raises Unprocessable.

    What is at or below the `kept` pointers has come from what is stored, and stays secret.
    """
    check_form(config)
    places = outermost({*secret_pointers(schema, config), *kept})
    found = sorted_secrets(config, places, kept)
    _refuse([FieldError(pointer, message) for pointer, message in found.faults])
    _refuse(
        [
            FieldError(pointer, "this secret is masked and none is stored; send it in clear")
            for pointer, text in found.texts
            if text == MASK
        ]
    )
    _refuse(_schema_errors(schema, found.config, found.references))
    return OpenConfig(found.config, found.secrets, found.references)


def check_form(config: dict[str, Any]) -> None:
    """Refuse what no config may hold, such as our mark of a sealed secret; for what comes in."""
    _refuse(_form_errors(config))


@dataclass(frozen=True)
class Judged:
    """A stored config, or one to store in its place, and why it does not fit its schema."""

    fault: Note | None
    to_seal: OpenConfig | None = field(default=None, repr=False)

    def columns(
        self, secrets: SecretBox, connection: Connection, deployment_id: str
    ) -> dict[str, Any]:
        """Return what has to be written, for the transaction that does."""
        if self.to_seal is None:
            return {}
        return {"config": secrets.seal(connection, self.to_seal, deployment_id)}


def judge_stored(secrets: SecretBox, schema: Mapping[str, Any], deployment: Row[Any]) -> Judged:
    """Judge the stored config of a deployment; what the schema now calls a secret gets sealed.

    What was a secret stays one, and no text becomes a reference by itself.
    """
    try:
        opened = secrets.open_config(deployment.id, deployment.config)
    except SecretKeyError as error:
        return Judged(Note.of(error))
    errors = _schema_errors(schema, opened.config, opened.references)
    fault = _fault(errors, deployment.id)
    wanted = outermost({*secret_pointers(schema, opened.config), *opened.secrets})
    found = sorted_secrets(opened.config, wanted, ("",), opened.references)
    if set(found.secrets) == set(opened.secrets):
        return Judged(fault)
    return Judged(fault, OpenConfig(opened.config, found.secrets, opened.references))


def _schema_errors(
    schema: Mapping[str, Any], config: dict[str, Any], references: Collection[str]
) -> list[FieldError]:
    found = validate_config(schema, config, unknown=references)
    return [FieldError(pointer, message) for pointer, message in found]


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
    ours = _keys_of_ours(config)
    return [FieldError("", f"the name {name!r} is ours; use another") for name in sorted(ours)]


def _keys_of_ours(config: Any) -> set[str]:
    found: set[str] = set()
    waiting = [config]
    while waiting:
        here = waiting.pop()
        if isinstance(here, dict):
            found.update(name for name in OUR_NAMES if name in here)
            waiting += here.values()
        elif isinstance(here, list):
            waiting += here
    return found


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
