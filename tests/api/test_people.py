from typing import Any

import pytest

from api.people import NoRoleError, claimed, name_of, person, read_roles
from api.principal import Principal, Role
from utils.errors import SettingsError

ROLES = read_roles("sre=operator, security=admin,everyone = viewer,a=b=viewer")


def test_setting_gives_groups_their_roles() -> None:
    assert ROLES == {
        "sre": Role.OPERATOR,
        "security": Role.ADMIN,
        "everyone": Role.VIEWER,
        "a=b": Role.VIEWER,
    }
    assert read_roles("") == {}


@pytest.mark.parametrize(
    "setting", ["sre", "=admin", "sre=", "sre=root", "sre=worker", "sre=Admin"]
)
def test_setting_that_gives_no_role_is_refused(setting: str) -> None:
    with pytest.raises(SettingsError, match="TRUELINE_OIDC_ROLES"):
        read_roles(setting)


def test_near_miss_of_a_role_is_suggested() -> None:
    with pytest.raises(SettingsError, match="did you mean 'operator'"):
        read_roles("sre=operater")


@pytest.mark.parametrize(
    ("groups", "role"),
    [
        (["sre"], Role.OPERATOR),
        ("sre", Role.OPERATOR),
        (["everyone", "security", "sre"], Role.ADMIN),
        (["everyone", 7, None], Role.VIEWER),
    ],
)
def test_highest_of_the_roles_counts(groups: Any, role: Role) -> None:
    claims = {"sub": "1", "email": "ada@example.com", "groups": groups}
    assert person(claims, "email", "groups", ROLES) == Principal("ada@example.com", role)


@pytest.mark.parametrize("groups", [None, [], "", ["SRE"], {"sre": True}, ["admin"], True])
def test_person_for_whom_no_role_is_meant_is_told_why(groups: Any) -> None:
    claims = {"sub": "1", "email": "ada@example.com", "groups": groups}
    with pytest.raises(NoRoleError, match=r"ada@example\.com has no role here") as error:
        person(claims, "email", "groups", ROLES)
    assert "TRUELINE_OIDC_ROLES" in error.value.advice


def test_roles_are_found_below_a_path() -> None:
    claims = {"realm_access": {"roles": ["sre"]}, "a.b": ["x"], "a": {"b": ["y"]}}
    assert claimed(claims, "realm_access.roles") == {"sre"}
    assert claimed(claims, "a.b") == {"x"}
    assert claimed(claims, "realm_access.none.deeper") == frozenset()


@pytest.mark.parametrize(
    ("claims", "name"),
    [
        ({"sub": "1", "email": "ada@example.com"}, "ada@example.com"),
        ({"sub": "ci"}, "ci@oidc"),
        ({"sub": "1", "email": ""}, "1@oidc"),
        ({"sub": "1", "email": ["x"]}, "1@oidc"),
        ({"sub": "1", "email": "a\r\n\x1b[31mda@example.com"}, "a[31mda@example.com"),
    ],
)
def test_name_of_a_person_is_never_that_of_a_token(claims: dict[str, Any], name: str) -> None:
    assert name_of(claims, "email") == name
    assert len(name_of({"sub": "x" * 1000}, "email")) <= 200
