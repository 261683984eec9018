"""What GitHub, GitLab and Gitea send when somebody pushes: whether it is theirs, what it says."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Any, Protocol
from urllib.parse import urlsplit

from api.signatures import Signed, hex_digest, is_signed, key_of, same

AGE = timedelta(minutes=5)  # of a signed time, both ways: clocks differ
LONGEST_ID = 200
SHOWN = 200
_SCP = re.compile(r"(?:[^@/:]+@)?([^/:]+):(?!//)(.+)")  # git@host:owner/name
_URLS = ("clone_url", "ssh_url", "html_url", "git_url", "url", "git_http_url", "git_ssh_url")
_MORE_URLS = ("web_url", "http_url", "homepage")


class Headers(Protocol):
    """A message's headers; their names in any case."""

    def get(self, key: str, default: str, /) -> str:
        """Return one."""


class Forge(StrEnum):
    """Who sends webhooks."""

    GITHUB = "github"
    GITLAB = "gitlab"
    GITEA = "gitea"  # and Forgejo


class Event(StrEnum):
    """What is told."""

    PUSH = "push"
    PING = "ping"  # it asks whether anybody listens
    OTHER = "other"


@dataclass(frozen=True)
class Pushed:
    """What was pushed where; `urls` are all addresses of the repository that the body names."""

    ref: str
    default_branch: str | None
    urls: tuple[str, ...]


_EVENT_HEADERS = {
    Forge.GITHUB: "X-GitHub-Event",
    Forge.GITLAB: "X-Gitlab-Event",
    Forge.GITEA: "X-Gitea-Event",
}
_ID_HEADERS = {
    Forge.GITHUB: ("X-GitHub-Delivery",),
    Forge.GITLAB: ("webhook-id", "Idempotency-Key", "X-Gitlab-Event-UUID"),
    Forge.GITEA: ("X-Gitea-Delivery",),
}
_PUSHES = frozenset({"push", "Push Hook", "Tag Push Hook"})


def is_authentic(
    forge: Forge, headers: Headers, body: bytes, secrets: Sequence[str], now: float
) -> bool:
    """Tell whether a forge that knows one of the secrets has sent this; looks at all of them."""
    known = [_knows(forge, headers, body, secret, now) for secret in secrets]
    return any(known)


def event_of(forge: Forge, headers: Headers) -> Event:
    """Return what a message tells."""
    named = headers.get(_EVENT_HEADERS[forge], "")
    if named in _PUSHES:
        return Event.PUSH
    return Event.PING if named == "ping" else Event.OTHER


def keys_of(forge: Forge, headers: Headers, body: bytes) -> tuple[str, ...]:
    """Return the names under which a message is remembered; none: it has no id.

    GitHub and Gitea do not sign the id: whoever sends a captured message again could change it.
    """
    named = [it for name in _ID_HEADERS[forge] if (it := headers.get(name, ""))]
    if not named or len(named[0]) > LONGEST_ID:
        return ()
    parts = [f"{forge}:id:{named[0]}".encode("utf-8", "replace")]
    if forge is not Forge.GITLAB:
        parts.append(f"{forge}:body:".encode() + body)
    return tuple(sha256(part).hexdigest() for part in parts)


def pushed(content: Any) -> Pushed | None:
    """Read the body of a push; None for what is none."""
    if not isinstance(content, dict) or not isinstance(content.get("ref"), str):
        return None
    places = [content.get(name) for name in ("repository", "project")]
    found = [place for place in places if isinstance(place, dict)]
    branches = (place.get("default_branch") for place in found)
    default = next((it for it in branches if isinstance(it, str) and it), None)
    return Pushed(content["ref"], default, tuple(_urls(found)))


def why_ignored(push: Pushed, source_url: str, source_ref: str) -> str | None:
    """Say why a push does not concern the source; None when it does."""
    here = _place(source_url)
    if here not in {_place(url) for url in push.urls}:
        told = ", ".join(sorted(set(push.urls)))[:SHOWN] or "no repository"
        return f"it is about {shown(told)}, and the source is another repository"
    wanted = push.default_branch if source_ref == "HEAD" else source_ref
    if wanted is None or push.ref in {wanted, f"refs/heads/{wanted}", f"refs/tags/{wanted}"}:
        return None
    return f"it is about {shown(push.ref)}, and the source follows {shown(wanted)}"


def shown(text: str) -> str:
    """Return what somebody sent as it may be logged and answered."""
    return "".join(one if one.isprintable() else "?" for one in text[:SHOWN])


def _knows(forge: Forge, headers: Headers, body: bytes, secret: str, now: float) -> bool:
    match forge:
        case Forge.GITHUB:
            given = headers.get("X-Hub-Signature-256", "")
            return same(given, f"sha256={hex_digest(body, secret.encode())}")
        case Forge.GITEA:
            given = headers.get("X-Gitea-Signature", "")
            return same(given, hex_digest(body, secret.encode()))
        case Forge.GITLAB if headers.get("webhook-signature", ""):
            return _is_signed_now(headers, body, secret, now)
        case Forge.GITLAB:
            return same(headers.get("X-Gitlab-Token", ""), secret)


def _is_signed_now(headers: Headers, body: bytes, secret: str, now: float) -> bool:
    message = Signed(*(headers.get(f"webhook-{it}", "") for it in ("id", "timestamp", "signature")))
    try:
        key, at = key_of(secret), int(message.timestamp[:20])
    except ValueError:
        return False
    return abs(now - at) <= AGE.total_seconds() and is_signed(message, body, key)


def _urls(places: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for place in places:
        for name in (*_URLS, *_MORE_URLS):
            if isinstance(place.get(name), str) and place[name]:
                yield place[name]


def _place(url: str) -> tuple[str, str]:
    """Return host and path: what https and ssh addresses of one repository have in common."""
    if scp := _SCP.fullmatch(url):
        host, path = scp.groups()
    else:
        try:
            parts = urlsplit(url)
            host, path = parts.hostname or "", parts.path
        except ValueError:
            return "", url
    return host.lower(), path.strip("/").removesuffix(".git").lower()
