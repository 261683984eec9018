"""Control characters in what others printed, made harmless for terminals, logs and pages."""

import re

# All controls but line feed and tab, and the marks that turn the direction of text around.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def neutralise(text: str) -> str:
    """Return `text` with controls and escapes written out, and every line end as a line feed."""
    if not _CONTROLS.search(text):
        return text
    return _CONTROLS.sub(_written_out, text.replace("\r\n", "\n").replace("\r", "\n"))


def as_json_escapes(document: str) -> str:
    """Return a JSON document whose texts hold no control: the same document for who reads it."""
    return _CONTROLS.sub(lambda match: f"\\u{ord(match.group()):04x}", document)


def _written_out(match: re.Match[str]) -> str:
    code = ord(match.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
