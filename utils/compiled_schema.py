"""A config's schema made ready: its validator, and what its text alone says of it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import jsonschema_rs

from utils.schema_walk import REFERENCES, Schema

DEFAULT_DRAFT = "https://json-schema.org/draft/2020-12/schema"
DRAFTS: Mapping[str, Callable[..., jsonschema_rs.Validator]] = {
    DEFAULT_DRAFT: jsonschema_rs.Draft202012Validator,
    "https://json-schema.org/draft/2019-09/schema": jsonschema_rs.Draft201909Validator,
    "http://json-schema.org/draft-07/schema": jsonschema_rs.Draft7Validator,
    "http://json-schema.org/draft-06/schema": jsonschema_rs.Draft6Validator,
    "http://json-schema.org/draft-04/schema": jsonschema_rs.Draft4Validator,
}
# The engine matches in linear time; where look-around or back references need more, it gives up
# after this many steps.
PATTERNS = jsonschema_rs.FancyRegexOptions(
    backtrack_limit=100_000, size_limit=2_000_000, dfa_size_limit=2_000_000
)
MOST_KEPT = 32
KEPT_LENGTH = 16 * 1024  # of a schema's text; larger ones, and those with
KEPT_PATTERNS = 16  # more patterns, whose automata take memory, are made ready for each use


@dataclass(frozen=True)
class CompiledSchema:
    """What asks less than a walk over the schema; `most_parts` is a bound."""

    schema: Schema
    most_parts: int
    may_have_secrets: bool
    has_references: bool

    @cached_property
    def validator(self) -> jsonschema_rs.Validator:
        """The validator, made when it is first wanted."""
        return make_validator(self.schema)


def compiled(schema: Schema) -> CompiledSchema:
    """Return a schema made ready; small ones are kept for the next time."""
    text = json.dumps(schema)
    is_small = len(text) <= KEPT_LENGTH and text.count('"pattern') <= KEPT_PATTERNS
    return _kept(text) if is_small else _read(schema, text)


def make_validator(schema: Schema) -> jsonschema_rs.Validator:
    """Compile a schema, which fetches nothing; its messages hold no value of what is checked."""
    return DRAFTS[draft_of(schema)](
        schema,
        pattern_options=PATTERNS,
        validate_formats=True,
        offline=True,
        mask="the value",
    )


def draft_of(schema: Schema) -> str:
    """Return which draft a schema says that it follows."""
    draft = schema.get("$schema", DEFAULT_DRAFT)
    return draft.rstrip("#") if isinstance(draft, str) else ""


@lru_cache(MOST_KEPT)
def _kept(text: str) -> CompiledSchema:
    schema: dict[str, Any] = json.loads(text)
    return _read(schema, text)


def _read(schema: Schema, text: str) -> CompiledSchema:
    return CompiledSchema(
        schema,
        most_parts=text.count("{"),
        may_have_secrets='"password"' in text or '"writeOnly"' in text,
        has_references=any(f'"{word}"' in text for word in REFERENCES),
    )
