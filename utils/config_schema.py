"""The schema of a deployment's config: whether it is usable, and what it says of a config."""

from collections.abc import Collection, Mapping
from typing import Any

import jsonschema_rs

from utils.compiled_schema import (
    DEFAULT_DRAFT,
    DRAFTS,
    CompiledSchema,
    compiled,
    draft_of,
    make_validator,
)
from utils.errors import ManifestError
from utils.json_bounds import check_bounds
from utils.pointers import json_pointer
from utils.schema_apply import Application
from utils.schema_walk import IN_PLACE, IN_PLACE_LISTS, Schema, references, resolve, walk
from utils.suggest import did_you_mean

ERROR_LIMIT = 100
EXPANSION_LIMIT = 2_000
PART_LIMIT = 5_000
CHECK_LIMIT = 1_000_000
_KINDS = jsonschema_rs.ValidationErrorKind
_OF_TEXTS = (
    *(_KINDS.Pattern, _KINDS.Format, _KINDS.MinLength, _KINDS.MaxLength),
    *(_KINDS.Enum, _KINDS.Constant, _KINDS.ContentEncoding, _KINDS.ContentMediaType),
)
_TYPES = ("array", "boolean", "integer", "null", "number", "object", "string")


class BadSchema(ManifestError):  # noqa: N818 - reads as the state it reports
    """A config schema cannot be used; the reason begins with the JSON pointer into it."""


def check_schema(schema: Any) -> None:
    """Raise BadSchema unless this is a JSON Schema of an object that needs nothing from outside.

    An empty schema stands for any object.
    """
    if not isinstance(schema, dict):
        raise BadSchema("the schema is not an object", 'write it as {"type": "object", ...}')
    check_bounds(schema, "the schema", BadSchema)
    if schema and schema.get("type") not in ("object", ["object"]):
        raise BadSchema(
            '/type: the schema of a config has "type": "object"', 'add "type": "object" to it'
        )
    _check_draft(schema)
    for count, (pointer, part) in enumerate(walk(schema)):
        if count >= PART_LIMIT:
            raise BadSchema(f"it has more than {PART_LIMIT} parts", "make it smaller")
        _check_part(schema, pointer, part)
    _check_expansion(schema)
    try:
        jsonschema_rs.meta.validate(schema)
        make_validator(schema)
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError) as error:
        raise BadSchema(_told(error), "correct it by https://json-schema.org") from error


def validate_config(
    schema: Schema, config: Any, unknown: Collection[str] = ()
) -> list[tuple[str, str]]:
    """Return what is wrong with a config: JSON pointers and messages, which hold no value of it.

    The schema is one that `check_schema` took. At the pointers that are `unknown` stand texts
    in place of others: no more is asked of them than to be texts.
    """
    if not isinstance(config, dict):
        return [("", "a config is an object")]
    try:
        values = check_bounds(config, "the config", ManifestError)
    except ManifestError as refusal:
        return [("", refusal.reason)]
    ready = compiled(schema)
    if not _is_affordable(schema, ready, config, values):
        return [("", "the config makes its schema unfold to too many checks; make it flatter")]
    found: list[tuple[str, str]] = []
    for error in ready.validator.iter_errors(config):
        if isinstance(error.kind, _OF_TEXTS) and json_pointer(error.instance_path) in unknown:
            continue
        found += _found(schema, error)
        if len(found) >= ERROR_LIMIT:
            break
    return sorted(set(found))[:ERROR_LIMIT]


def secret_pointers(schema: Schema, config: Any) -> tuple[str, ...]:
    """Return JSON pointers to the values of a config that its schema says are secret.

    Secret is what has `"format": "password"` or `"writeOnly": true`, at any depth. Where it
    depends on which branch of a schema holds, every branch counts.
    """
    if not compiled(schema).may_have_secrets:
        return ()
    return Application(schema, _matches).secrets(config)


def _is_affordable(schema: Schema, ready: CompiledSchema, config: Any, values: int) -> bool:
    if not ready.has_references and ready.most_parts * values <= CHECK_LIMIT:
        return True  # each part meets each value once at most
    try:
        return Application(schema, _matches).checks(config) <= CHECK_LIMIT
    except RecursionError:
        return False


def _check_draft(schema: Schema) -> None:
    draft = draft_of(schema)
    if draft not in DRAFTS:
        raise BadSchema(
            f"/$schema: {schema['$schema']!r} is no known draft{did_you_mean(draft, DRAFTS)}",
            f"leave it out, or use {DEFAULT_DRAFT}",
        )


def _check_part(root: Schema, pointer: str, part: Schema) -> None:
    for word, ref in references(part):
        if not ref.startswith("#"):
            raise BadSchema(
                f"{pointer}/{word}: {ref!r} is not in this schema, and nothing is fetched",
                'copy it into "$defs" and refer to "#/$defs/..."',
            )
        if resolve(root, ref) is None:
            raise BadSchema(f"{pointer}/{word}: {ref!r} leads to no schema", "correct it")
    own_id = part.get("$id", part.get("id"))
    if pointer and isinstance(own_id, str) and not own_id.startswith("#"):
        raise BadSchema(f"{pointer}/$id: only a whole schema has one", "remove it")
    patterns = part.get("patternProperties")
    for pattern in (part.get("pattern"), *(patterns if isinstance(patterns, dict) else ())):
        if isinstance(pattern, str):
            _check_pattern(pointer, pattern)


def _check_pattern(pointer: str, pattern: str) -> None:
    try:
        make_validator({"pattern": pattern})
    except jsonschema_rs.ValidationError as error:
        raise BadSchema(
            f"{pointer or '/'}: the pattern {pattern[:200]!r} is not a regular expression, "
            "or is too large",
            "correct it; its syntax is that of JavaScript",
        ) from error


def _check_expansion(root: Schema) -> None:
    """Refuse references that loop, or that unfold one value's check into ever more of them."""
    sizes: dict[int, int] = {}
    try:
        for _, part in reversed(list(walk(root))):
            _expansion(root, part, sizes, ())
    except RecursionError:
        raise BadSchema("its references form too long a chain", "make it shorter") from None


def _expansion(root: Schema, schema: Any, sizes: dict[int, int], above: tuple[int, ...]) -> int:
    if not isinstance(schema, Mapping):
        return 1
    own = id(schema)
    if own in above:
        raise BadSchema("a $ref leads back to itself for the same value", "break the loop")
    if own not in sizes:
        parts = [resolve(root, ref) for _, ref in references(schema)]
        parts += [part for word in IN_PLACE_LISTS for part in schema.get(word) or ()]
        parts += [schema[word] for word in IN_PLACE if word in schema]
        sizes[own] = 1 + sum(_expansion(root, part, sizes, (*above, own)) for part in parts)
    if sizes[own] > EXPANSION_LIMIT:
        raise BadSchema(
            f"its references unfold to more than {EXPANSION_LIMIT} checks of one value",
            "refer to a definition once where it is used",
        )
    return sizes[own]


def _told(error: Exception) -> str:
    if not isinstance(error, jsonschema_rs.ValidationError):
        return f"the schema is not valid: {error}"
    pointer = json_pointer(error.instance_path)
    if pointer.endswith("/type") and isinstance(
        error.kind, jsonschema_rs.ValidationErrorKind.AnyOf
    ):
        nearest = did_you_mean(str(error.instance), _TYPES)
        return f"{pointer}: {str(error.instance)[:80]!r} is none of {', '.join(_TYPES)}{nearest}"
    return f"{pointer or '/'}: {error.message[:300]}"


def _found(schema: Schema, error: jsonschema_rs.ValidationError) -> list[tuple[str, str]]:
    pointer = json_pointer(error.instance_path)
    if not isinstance(error.kind, jsonschema_rs.ValidationErrorKind.AdditionalProperties):
        return [(pointer, error.message[:500])]
    known = schema.get("properties", {}) if not pointer else {}
    return [
        (pointer + json_pointer([name]), f"is not allowed{did_you_mean(name, known)}")
        for name in error.kind.unexpected
    ]


def _matches(pattern: str, name: str) -> bool | None:
    """Tell whether a name matches; None where the engine gave up."""
    errors = list(compiled({"pattern": pattern}).validator.iter_errors(name))
    if any(isinstance(error.kind, _KINDS.Pattern) for error in errors):
        return False
    return None if errors else True
