"""Adds an entry to the text of `integrations.json` and leaves the rest of it as it is."""

import json
import re
from collections.abc import Mapping
from typing import Any

from cli.scaffold.wanted import CannotMake
from utils.manifest import MANIFEST

_FIX = "correct it first; `trueline check` tells what is wrong"


def with_entry(text: str, entry: Mapping[str, Any]) -> str:
    """Return the manifest with one entry more, at its end; raises CannotMake."""
    before = _parsed(text)
    if any(isinstance(one, dict) and one.get("name") == entry["name"] for one in before):
        raise CannotMake(f"{MANIFEST} has an entry {entry['name']!r} already", "take another name")
    end = text.rindex("]")
    body = text[:end].rstrip()
    newline = "\r\n" if "\r\n" in text else "\n"
    made = json.dumps(entry, indent=_indent(text), ensure_ascii=False)
    margin = _margin(text)
    lines = newline.join(f"{margin}{line}" for line in made.splitlines())
    comma = "," if before else ""
    added = f"{body}{comma}{newline}{lines}{newline}]{text[end + 1 :] or newline}"
    if _parsed(added) != [*before, dict(entry)]:
        raise CannotMake(f"{MANIFEST} cannot be added to as it is written", _FIX)
    return added


def _parsed(text: str) -> list[Any]:
    try:
        value = json.loads(text.removeprefix("\ufeff"))
    except (ValueError, RecursionError) as error:
        raise CannotMake(f"{MANIFEST} is not JSON: {error}", _FIX) from error
    if not isinstance(value, list):
        raise CannotMake(f"{MANIFEST} is not a list", _FIX)
    return value


def _margin(text: str) -> str:
    """Return what stands before the first entry on its line."""
    found = re.search(r"\[[ \t\r]*\n([ \t]*)\{", text)
    return found[1] if found else "  "


def _indent(text: str) -> int | str:
    """Return what stands before an entry's keys, beyond the entry's own margin."""
    found = re.search(r"\n([ \t]*)\{[ \t\r]*\n([ \t]*)\"", text)
    if found and found[2].startswith(found[1]) and len(found[2]) > len(found[1]):
        return found[2][len(found[1]) :]
    return 2
