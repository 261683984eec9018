"""JSON pointers (RFC 6901): how a place inside a document is named, and what stands there."""

from collections.abc import Iterable, Mapping
from typing import Any


def json_pointer(steps: Iterable[str | int]) -> str:
    """Return the pointer to where these steps lead; none lead to the whole document."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)


def value_at(document: Any, pointer: str) -> Any:
    """Return the value that a pointer leads to, or None where it leads nowhere."""
    here = document
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(here, Mapping) and name in here:
            here = here[name]
        elif isinstance(here, list) and name.isdecimal() and int(name) < len(here):
            here = here[int(name)]
        else:
            return None
    return here


def children(pointer: str, value: Any) -> list[tuple[str, Any]]:
    """Return what stands right below a value, each with its pointer."""
    if isinstance(value, Mapping):
        return [(pointer + json_pointer([key]), item) for key, item in value.items()]
    if isinstance(value, list):
        return [(f"{pointer}/{index}", item) for index, item in enumerate(value)]
    return []


def with_values(document: Any, values: Mapping[str, Any], pointer: str = "") -> Any:
    """Return a copy of a document with other values at these pointers."""
    if pointer in values:
        return values[pointer]
    below = [with_values(item, values, place) for place, item in children(pointer, document)]
    if isinstance(document, Mapping):
        return dict(zip(document, below, strict=True))
    return below if isinstance(document, list) else document
