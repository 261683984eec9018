"""Which person a provider's claims describe, and which role that person has here."""

from collections.abc import Mapping
from typing import Any

from api.principal import Principal, Role
from api.problems import Forbidden
from utils.errors import SettingsError
from utils.suggest import did_you_mean

FOR_PEOPLE = (Role.ADMIN, Role.OPERATOR, Role.VIEWER)  # the one that allows most comes first
LONGEST_NAME = 200


class NoRoleError(Forbidden):
    """The provider knows this person, and no role is meant for them here."""

    def __init__(self, name: str, role_claim: str, found: frozenset[str]) -> None:
        told = ", ".join(sorted(found)[:10]) or "nothing"
        super().__init__(
            f"{name} has no role here: the claim {role_claim!r} says {told[:LONGEST_NAME]}",
            "have somebody who runs this API map one of them in TRUELINE_OIDC_ROLES, or have the "
            "provider give you one that is mapped",
        )
        self.principal = Principal(name, None)


def read_roles(setting: str) -> Mapping[str, Role]:
    """Read `sre=operator,security=admin`; raises SettingsError."""
    roles: dict[str, Role] = {}
    for part in filter(None, (one.strip() for one in setting.split(","))):
        value, _, word = (side.strip() for side in part.rpartition("="))
        if not value or word not in FOR_PEOPLE:
            hint = did_you_mean(word, [role.value for role in FOR_PEOPLE])
            raise SettingsError(
                f"setting TRUELINE_OIDC_ROLES: {part!r} does not give a role to a group{hint}",
                "write it as group=role, with viewer, operator or admin as the role",
            )
        roles[value] = Role(word)
    return roles


def person(
    claims: Mapping[str, Any], name_claim: str, role_claim: str, roles: Mapping[str, Role]
) -> Principal:
    """Return who has logged in, in the highest role that is meant for them; raises NoRoleError."""
    name = name_of(claims, name_claim)
    found = claimed(claims, role_claim)
    meant = {roles[value] for value in found if value in roles}
    for role in FOR_PEOPLE:
        if role in meant:
            return Principal(name, role)
    raise NoRoleError(name, role_claim, found)


def name_of(claims: Mapping[str, Any], name_claim: str) -> str:
    """Return a person's name here: it has an @ in it, which no token's name has."""
    value = claims.get(name_claim)
    name = value if isinstance(value, str) and value.strip() else str(claims["sub"])
    plain = "".join(sign for sign in name if sign.isprintable()).strip()[: LONGEST_NAME - 5]
    return plain if "@" in plain else f"{plain}@oidc"


def claimed(claims: Mapping[str, Any], role_claim: str) -> frozenset[str]:
    """Return the values of a claim, given by its name or by a path such as realm_access.roles."""
    value: Any = claims.get(role_claim)
    if value is None:
        value = claims
        for step in role_claim.split("."):
            value = value.get(step) if isinstance(value, Mapping) else None
    values = value if isinstance(value, list) else [value]
    return frozenset(one for one in values if isinstance(one, str))
