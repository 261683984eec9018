"""Addresses inside any text, as they may be shown."""

import re

_LOGIN = re.compile(r"://[^/\s'\"?#]*@")  # to the last @ before the path: passwords may hold one


def without_logins(text: str) -> str:
    """Return the text with `https://host/` wherever it has `https://user:password@host/`."""
    return _LOGIN.sub("://", text)
