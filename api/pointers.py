"""JSON pointers (RFC 6901): how a place inside a document is named."""

from collections.abc import Iterable


def json_pointer(parts: Iterable[str | int]) -> str:
    """Write the path to a value as a JSON pointer."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)
