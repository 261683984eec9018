"""Credentials in the paths of URLs, as webhooks and bots have them; other paths stay."""

import re

# Nothing that people write: a long run of letters and digits to the segment's end, or a longer one
# of letters alone. What has digits alone is an id.
_RANDOM = (
    r"(?:(?=[A-Z0-9]{0,200}[A-Z])(?=[A-Z0-9]{0,200}\d)[A-Z0-9]{16,}|[A-Z]{24,})"
    r"(?=[/?#\s\"'<>\\]|$)"
)
_ONE = r"[^\s/?#\"'<>\\]+"
_REST = r"[^\s?#\"'<>\\]+"
_FORMS = (
    rf"(?P<slack>/(?-i:services|triggers|workflows)/(?-i:T[A-Z0-9]{{2,20}}/[A-Z0-9]{{2,20}})/){_REST}",
    rf"(?P<telegram>/bot)\d{{1,20}}(?::|%3A){_ONE}",
    rf"(?P<discord>/webhooks/\d{{15,22}}/){_ONE}",
    rf"(?P<teams>/(?:webhookb2|IncomingWebhook)/){_REST}",
    rf"(?P<hook>/(?:web)?hooks?/(?:[\w.-]{{1,40}}/){{0,3}}?){_RANDOM}[^\s?#\"'<>\\]*",
    rf"(?P<named>/(?:tokens?|secrets?|api[-_]?keys?)/){_RANDOM}",
)
_CREDENTIALS = re.compile("|".join(_FORMS), re.IGNORECASE)


def without_credentials(text: str, mark: str) -> str:
    """Return text with a mark in place of the credentials that its paths show, in known forms."""
    return _CREDENTIALS.sub(lambda found: f"{found[found.lastgroup or 0]}{mark}", text)
