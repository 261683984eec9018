"""Which parts of a schema apply to which values of a config: its secrets, and its cost."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from utils.pointers import json_pointer
from utils.schema_walk import IN_PLACE, IN_PLACE_LISTS, Schema, references, resolve
from utils.secret_places import outermost

_IN_PLACE_MAPS = ("dependentSchemas", "dependencies")

# A subschema and the key of the value below that it applies to; no key: this very value.
Applied = tuple[Any, str | int | None]


class Application:
    """A schema as it applies to a config; every branch counts, whichever holds.

    `matches` decides whether a pattern matches a name; None: that cannot be decided.
    """

    def __init__(self, schema: Schema, matches: Callable[[str, str], bool | None]) -> None:
        self._schema = schema
        self._matches = matches
        draft = schema.get("$schema")
        self._knows_prefixes = not isinstance(draft, str) or "2020-12" in draft

    def secrets(self, config: Any) -> tuple[str, ...]:
        """Return the JSON pointers of all secret values, none inside another."""
        pending: list[tuple[Any, str, Any]] = [(self._schema, "", config)]
        seen: set[tuple[int, str]] = set()
        found: set[str] = set()
        while pending:
            schema, pointer, value = pending.pop()
            if not isinstance(schema, Mapping) or (id(schema), pointer) in seen:
                continue
            seen.add((id(schema), pointer))
            if schema.get("format") == "password" or schema.get("writeOnly") is True:
                found.add(pointer)
            for part, key in self._applied(schema, value):
                pending.append((part, *_below(pointer, value, key)))
        if "" in found:  # the config itself stays an object
            found = found - {""} | {json_pointer([name]) for name in _mapping(config)}
        return outermost(found)

    def checks(self, config: Any) -> int:
        """Return how many checks of one schema on one value a validator may have to make."""
        return self._checks(self._schema, "", config, {})

    def _checks(
        self, schema: Any, pointer: str, value: Any, known: dict[tuple[int, str], int]
    ) -> int:
        if not isinstance(schema, Mapping):
            return 0
        own = (id(schema), pointer)
        if own not in known:
            known[own] = 0  # a loop is refused elsewhere
            known[own] = 1 + sum(
                self._checks(part, *_below(pointer, value, key), known)
                for part, key in self._applied(schema, value)
            )
        return known[own]

    def _applied(self, schema: Schema, value: Any) -> Iterator[Applied]:
        for _, ref in references(schema):
            yield resolve(self._schema, ref), None
        for word in IN_PLACE_LISTS:
            yield from ((part, None) for part in schema.get(word) or ())
        for word in IN_PLACE:
            yield schema.get(word), None
        for word in _IN_PLACE_MAPS:
            yield from ((part, None) for part in _mapping(schema.get(word)).values())
        if isinstance(value, dict):
            for name in value:
                yield from ((part, name) for part in self._of_property(schema, name))
        elif isinstance(value, list):
            for position in range(len(value)):
                yield from ((part, position) for part in self._of_item(schema, position))

    def _of_property(self, schema: Schema, name: str) -> Iterator[Any]:
        known = _mapping(schema.get("properties"))
        patterns = _mapping(schema.get("patternProperties"))
        matching = [(self._matches(pattern, name), part) for pattern, part in patterns.items()]
        if name in known:
            yield known[name]
        yield from (part for matches, part in matching if matches is not False)
        if name not in known and not any(matches for matches, _ in matching):
            yield schema.get("additionalProperties")
            yield schema.get("unevaluatedProperties")

    def _of_item(self, schema: Schema, position: int) -> Iterator[Any]:
        items = schema.get("items")
        prefixes = (schema.get("prefixItems") or []) if self._knows_prefixes else []
        first = items if isinstance(items, list) else prefixes
        if position < len(first):
            yield first[position]
        else:
            yield schema.get("additionalItems") if isinstance(items, list) else items
            yield schema.get("unevaluatedItems")
        yield schema.get("contains")


def _below(pointer: str, value: Any, key: str | int | None) -> tuple[str, Any]:
    return (pointer, value) if key is None else (pointer + json_pointer([key]), value[key])


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
