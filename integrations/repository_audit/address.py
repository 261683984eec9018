"""Which repository an audit may read: a checked address without a password in it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from utils.errors import SourceError

TRANSPORTS = frozenset({"https", "ssh", "file"})
SCP_LIKE = re.compile(r"(?P<user>[\w.-]+@)?(?P<host>[\w.-]+):(?!//)(?P<path>[^\s]+)")
FORBIDDEN_IN_REF = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{")


@dataclass(frozen=True)
class Address:
    """A repository and what of it is audited; `ref` empty: its default branch."""

    url: str
    ref: str


def audited_address(config: Mapping[str, object], source: Mapping[str, str]) -> Address:
    """Return what `config` asks for; without a `url` that is the worker's own source.

    Without `url` and `ref` it is the very commit that the job runs from. Raises SourceError.
    """
    url = str(config.get("url") or "").strip()
    ref = str(config.get("ref") or "").strip()
    if not url:
        url = source.get("url", "")
        ref = ref or source.get("commit", "")
    return Address(checked_url(url), checked_ref(ref))


def checked_url(url: str) -> str:
    """Return `url` when git may be given it; raises SourceError otherwise."""
    if not url:
        raise SourceError(
            "there is no repository to audit",
            "set `url` in the deployment's config to an https, ssh or file address",
        )
    if url.startswith("-") or re.search(r"[\x00-\x20\x7f]", url):
        raise SourceError(
            f"url {url!r} is not a repository address",
            "give it as https://host/owner/name.git, without blanks",
        )
    parts = _split(url)
    if parts.scheme not in TRANSPORTS:
        return _checked_scp_like(url)
    if parts.password is not None:
        shown = url.replace(f":{parts.password}@", "@")
        raise SourceError(
            f"url {shown} carries a password",
            "take it out of `url` and put it into `token`, which is kept encrypted",
        )
    if parts.scheme != "file" and (not parts.hostname or parts.hostname.startswith("-")):
        raise SourceError(f"url {url} names no host", "give it as https://host/owner/name.git")
    return url


def checked_ref(ref: str) -> str:
    """Return `ref` when it can be a branch, tag or commit; raises SourceError otherwise."""
    if ref.startswith("-") or FORBIDDEN_IN_REF.search(ref):
        raise SourceError(
            f"ref {ref!r} cannot be the name of a branch, tag or commit",
            "give the name as `git branch` or `git tag` shows it, or a full commit id",
        )
    return ref


class _Parts:
    def __init__(self, url: str) -> None:
        split = urlsplit(url)
        self.scheme = split.scheme.lower()
        self.hostname = split.hostname
        self.password = split.password


def _split(url: str) -> _Parts:
    try:
        return _Parts(url)
    except ValueError as error:
        raise SourceError(
            f"url {url!r} is not a repository address: {error}",
            "give it as https://host/owner/name.git",
        ) from error


def _checked_scp_like(url: str) -> str:
    match = SCP_LIKE.fullmatch(url) if "://" not in url else None
    if match is None or match["path"].startswith(":") or match["host"].startswith("-"):
        transport = url.split("://", maxsplit=1)[0] if "://" in url else url
        raise SourceError(
            f"url {url!r}: {transport!r} is not a transport that an audit may use",
            "give an https://, ssh:// or file:// address",
        )
    return url
