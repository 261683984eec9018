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
