from typing import Any

import pytest

from api.principal import Role


@pytest.mark.parametrize("role", Role)
def test_every_role_learns_who_it_is(guarded: Any, role: Role) -> None:
    me = guarded.client(role, "x").get("/api/v1/me").json
    assert (me["name"], me["role"]) == ("x", role)
