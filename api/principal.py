"""Who makes a request, and in which role."""

from dataclasses import dataclass
from enum import StrEnum

from flask import g


class Role(StrEnum):
    """What a caller may do."""

    VIEWER = "viewer"  # read
    OPERATOR = "operator"  # and run, change and acknowledge
    ADMIN = "admin"  # and say who may do what
    WORKER = "worker"  # lease jobs and report on them, nothing else


@dataclass(frozen=True)
class Principal:
    """One caller; `token_id` is None without a token."""

    name: str
    role: Role
    token_id: str | None = None


LOOPBACK = Principal("loopback", Role.ADMIN)  # whoever is on this machine, while no key is set


def current_principal() -> Principal:
    """Return who makes the request under way."""
    principal: Principal = g.get("principal", LOOPBACK)
    return principal
