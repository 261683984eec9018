"""Which security headers an answer should have, and what is weak in the ones that it has."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

HALF_A_YEAR_SECONDS = 180 * 24 * 3600
_REFERRER_LEAKS = frozenset({"unsafe-url", "no-referrer-when-downgrade"})
_INLINE_ALLOWED_AGAIN = re.compile(r"'(?:nonce|sha256|sha384|sha512)-")


@dataclass(frozen=True)
class Finding:
    """One header that is missing or weak."""

    header: str
    severity: str
    message: str  # what is wrong, and what to send instead


Headers = Mapping[str, str]


def header_findings(headers: Headers, *, is_https: bool, is_page: bool) -> list[Finding]:
    """Return what is wrong; an answer that is no page is judged for its transport alone."""
    rules: list[Callable[[Headers], Finding | None]] = []
    if is_https:
        rules.append(_transport_security)
    if is_page:
        rules.append(_content_type)
        if "html" in headers.get("content-type", "html").lower():
            rules += [_content_policy, _frames, _referrer]
    return [finding for rule in rules if (finding := rule(headers))]


def _transport_security(headers: Headers) -> Finding | None:
    name = "strict-transport-security"
    wanted = "send `Strict-Transport-Security: max-age=31536000`"
    if name not in headers:
        return Finding(name, "medium", f"no HSTS: {wanted}")
    age = re.search(r"max-age\s*=\s*\"?(\d+)", headers[name], re.IGNORECASE)
    seconds = int(age[1]) if age else 0
    if seconds == 0:
        return Finding(name, "medium", f"HSTS without a max-age, which switches it off: {wanted}")
    if seconds < HALF_A_YEAR_SECONDS:
        days = seconds // (24 * 3600)
        return Finding(name, "low", f"HSTS for {days} days only: {wanted}")
    return None


def _content_type(headers: Headers) -> Finding | None:
    name = "x-content-type-options"
    if headers.get(name, "").strip().lower() == "nosniff":
        return None
    return Finding(name, "low", "browsers may guess types: send `X-Content-Type-Options: nosniff`")


def _content_policy(headers: Headers) -> Finding | None:
    name = "content-security-policy"
    if not headers.get(name, "").strip():
        return Finding(
            name, "medium", "no Content-Security-Policy: send one, `default-src 'self'` to begin"
        )
    directives = _directives(headers[name])
    scripts = directives.get("script-src", directives.get("default-src"))
    if scripts is None:
        return Finding(name, "low", "a policy without script-src: add `default-src 'self'`")
    if "'unsafe-inline'" in scripts and not _INLINE_ALLOWED_AGAIN.search(scripts):
        return Finding(name, "low", "a policy that allows inline scripts: use nonces or hashes")
    return None


def _frames(headers: Headers) -> Finding | None:
    if "frame-ancestors" in _directives(headers.get("content-security-policy", "")):
        return None
    if headers.get("x-frame-options", "").strip().lower() in {"deny", "sameorigin"}:
        return None
    return Finding(
        "x-frame-options",
        "medium",
        "other sites may frame it: send `frame-ancestors 'self'` in its policy, or "
        "`X-Frame-Options: SAMEORIGIN`",
    )


def _referrer(headers: Headers) -> Finding | None:
    name = "referrer-policy"
    # Of several, browsers take the last that they know.
    policy = headers.get(name, "").rpartition(",")[2].strip().lower()
    if policy and policy not in _REFERRER_LEAKS:
        return None
    told = f"`{policy}` tells other sites whole URLs" if policy else "no Referrer-Policy"
    return Finding(name, "low", f"{told}: send `Referrer-Policy: strict-origin-when-cross-origin`")


def _directives(policy: str) -> dict[str, str]:
    parts = (part.strip().partition(" ") for part in policy.split(";"))
    return {name.lower(): value.lower() for name, _, value in parts if name}
