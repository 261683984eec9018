"""The cookies of an answer, without their values."""

import re
from dataclasses import dataclass

# Headers that came twice are joined by commas; those within dates have no name after them.
_BETWEEN = re.compile(r",\s*(?=[^\s;,=]+=)")


@dataclass(frozen=True)
class Cookie:
    """What a cookie allows; its value is not kept."""

    name: str
    is_secure: bool
    is_http_only: bool
    same_site: str | None


def cookies_of(header: str) -> tuple[Cookie, ...]:
    """Return the cookies of a Set-Cookie header, or of several that were joined."""
    return tuple(_cookie(part) for part in _BETWEEN.split(header) if part.strip())


def _cookie(text: str) -> Cookie:
    first, *attributes = (part.strip() for part in text.split(";"))
    given = {
        name.strip().lower(): value.strip()
        for name, _, value in (attribute.partition("=") for attribute in attributes)
    }
    return Cookie(
        name=first.partition("=")[0].strip(),
        is_secure="secure" in given,
        is_http_only="httponly" in given,
        same_site=given.get("samesite") or None,
    )
