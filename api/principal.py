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
    """One caller; `token_id` is None without a token, `role` where nobody knows who it is."""

    name: str
    role: Role | None
    token_id: str | None = None


LOOPBACK = Principal("loopback", Role.ADMIN)  # whoever is on this machine, while no key is set
NOBODY = Principal("nobody", None)  # with a key set: no token, or none that is believed
RESERVED = frozenset({LOOPBACK.name, NOBODY.name})


def current_principal() -> Principal:
    """Return who makes the request under way."""
    principal: Principal = g.get("principal", LOOPBACK)
    return principal


def lease_owner() -> str | None:
    """Return whose the leases are that the request under way takes or speaks of.

    A name and not a token's id: a worker whose token was renewed goes on with its jobs.
    """
    principal = current_principal()
    return None if principal == LOOPBACK else principal.name
