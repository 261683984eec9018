"""What a new integration is to be called and to talk to, checked."""

import keyword
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from cli.exits import Exit
from utils.errors import TruelineError
from utils.hosts import canonical_host, joined
from utils.manifest import is_name

_PLAIN = re.compile(r"[A-Za-z0-9._~:/\[\]%!$&()*+,;=@#?-]+")
_PORTS = {"http": 80, "https": 443}


class CannotMake(TruelineError):  # noqa: N818 - reads as the state it reports
    """A new integration cannot be made as it was asked for."""

    exit_code = Exit.USAGE


@dataclass(frozen=True)
class Wanted:
    """A new integration."""

    name: str
    title: str
    description: str
    base_url: str
    secret: bool  # whether the other side wants a token

    @property
    def host(self) -> str:
        """Its entry in `hosts`."""
        parts = urlsplit(self.base_url)
        return joined(parts.hostname or "", parts.port or _PORTS[parts.scheme])

    def entry(self) -> dict[str, Any]:
        """Return its entry in the manifest."""
        properties: dict[str, Any] = {
            "url": {
                "type": "string",
                "title": "Address",
                "description": "Where the API is; its host stands in `hosts` as well",
                "default": self.base_url,
            }
        }
        if self.secret:
            properties["token"] = {
                "type": "string",
                "format": "password",
                "title": "Token",
                "description": "Of a user that may read",
            }
        schema: dict[str, Any] = {"type": "object", "properties": properties}
        if self.secret:
            schema["required"] = ["token"]
        schema["additionalProperties"] = False
        return {
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "enabled": True,
            "hosts": [self.host],
            "schema": schema,
        }


def check_name(name: str) -> None:
    """Raise CannotMake unless an integration could have this name."""
    if not is_name(name) or keyword.iskeyword(name):
        near = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_0123456789")[:64]
        hint = f" (did you mean {near!r}?)" if is_name(near) and not keyword.iskeyword(near) else ""
        raise CannotMake(
            f"{name[:80]!r} is no name for an integration{hint}",
            "take 1 to 64 small letters, digits and '_', a letter first, and no word of Python's",
        )


def checked_base_url(text: str) -> str:
    """Return a base URL without its last slash; raises CannotMake."""
    fix = "give it as https://api.example.com, with a path where the API has one"
    try:
        parts = urlsplit(text.strip())
        host = canonical_host(parts.hostname or "")
        wrong = parts.port == 0 or parts.username is not None or parts.password is not None
    except ValueError as error:
        raise CannotMake(f"the base URL cannot be read: {error}", fix) from error
    if parts.scheme not in _PORTS or host is None or not _PLAIN.fullmatch(text.strip()):
        raise CannotMake(f"{text[:80]!r} is no http or https address", fix)
    if wrong or parts.query or parts.fragment:
        raise CannotMake("the base URL has credentials, a query or a fragment", fix)
    return text.strip().rstrip("/")


def checked_line(what: str, text: str, most: int) -> str:
    """Return one line of text for people; raises CannotMake."""
    line = " ".join(text.split())
    if not line or len(line) > most or not line.isprintable():
        raise CannotMake(f"the {what} is not a line of text", f"write 1 to {most:,} characters")
    return line
