"""What a deployment audits, and where: the part of its config that every collector needs."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from utils.errors import IntegrationNotConfigured

PUBLIC_API = "https://api.github.com"
_FULL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*/[A-Za-z0-9._-]+")
_OWNER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


class Scope(NamedTuple):
    """An API, and the organisation or repositories there."""

    base_url: str
    token: str
    organisation: str  # empty: none
    repositories: tuple[str, ...]  # full names; empty: all of the organisation's

    @property
    def shown(self) -> str:
        """What is audited, for people."""
        some = f"{len(self.repositories)} repositories" if self.repositories else ""
        return " of ".join(part for part in (some, self.organisation) if part)

    def takes_in(self, full_name: str) -> bool:
        """Tell whether a repository of the organisation is to be looked at."""
        lowered = {name.lower() for name in self.repositories}
        return not lowered or full_name.lower() in lowered


def read_scope(config: Mapping[str, Any]) -> Scope:
    """Read it from a config; raises IntegrationNotConfigured."""
    scope = Scope(
        base_url=str(config.get("base_url") or PUBLIC_API),
        token=str(config.get("token") or ""),
        organisation=str(config.get("organisation") or ""),
        repositories=tuple(config.get("repositories") or ()),
    )
    if not scope.token:
        raise IntegrationNotConfigured(
            "there is no token", "set `token` to a personal access token, or to one of a GitHub App"
        )
    if not scope.organisation and not scope.repositories:
        raise IntegrationNotConfigured(
            "neither `organisation` nor `repositories` is set",
            "name the organisation, or the repositories as owner/name",
        )
    _check_names(scope)
    return scope


def _check_names(scope: Scope) -> None:
    if scope.organisation and not _OWNER.fullmatch(scope.organisation):
        raise IntegrationNotConfigured(
            f"organisation {scope.organisation!r} is no name of an account",
            "give the name as it stands in its address, such as acme",
        )
    for name in scope.repositories:
        if not _FULL_NAME.fullmatch(name):
            raise IntegrationNotConfigured(
                f"repository {name!r} is no full name", "write it as owner/name, such as acme/shop"
            )
