"""The places of a page that people write: what stands in them is kept when it is made anew."""

import re
from collections.abc import Mapping

from utils.errors import TruelineError

PLACES = (
    "description",
    "features",
    "state",
    "architecture",
    "endpoints",
    "models",
    "limits",
    "secrets",
    "settings",
    "client",
    "troubleshooting",
    "references",
)
_PLACE = re.compile(r"^<!-- prose: (\S+) -->$\n?(.*?)^<!-- /prose -->$", re.MULTILINE | re.DOTALL)
_MARK = re.compile(r"^<!-- (?:prose: \S+|/prose) -->$", re.MULTILINE)


class BadPage(TruelineError):  # noqa: N818 - reads as the state it reports
    """A page's marked places cannot be told."""


def read_prose(page: str, path: str) -> dict[str, str]:
    """Return what people wrote into each place of a page; raises BadPage."""
    page = page.replace("\r\n", "\n")
    found = _PLACE.findall(page)
    if not found or 2 * len(found) != len(_MARK.findall(page)):
        raise BadPage(
            f"{path}: its marked places cannot be told",
            "put what people wrote between <!-- prose: description --> and <!-- /prose -->, each "
            "on a line of its own; or move the page away and run `trueline docs` again",
        )
    prose: dict[str, str] = {}
    for name, text in found:
        if name not in PLACES or name in prose:
            told = "stands there twice" if name in prose else "is not known"
            raise BadPage(
                f"{path}: the place {name!r} {told}", f"the places are {', '.join(PLACES)}"
            )
        prose[name] = text.strip("\n")
    return prose


def place(name: str, prose: Mapping[str, str]) -> str:
    """Return a marked place with what people wrote into it."""
    text = prose.get(name, "")
    inner = f"{text}\n" if text else ""
    return f"<!-- prose: {name} -->\n{inner}<!-- /prose -->"
