from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from api.database import Database
from api.listing import Scope
from api.problems import NotFound
from api.scopes import find_scope
from api.tables import violations

if TYPE_CHECKING:
    from tests.api.desk import Desk


def test_deployments_of_other_integrations_are_left_out(
    desk: "Desk", database: Database, add_integration: Callable[[str], None]
) -> None:
    add_integration("other")
    desk.run({"name": "check", "verdict": "fail"})
    nightly = desk.client.get("/api/v1/deployments/nightly").get_json()["id"]
    other = desk.deploy("elsewhere", integration="other")
    with database.read() as connection:

        def find(deployments: list[str], names: list[str]) -> Scope:
            return find_scope(connection, violations, deployments, names)

        assert find([], []) == Scope()
        assert find([], ["tool", "tool"]) == Scope(integrations=("tool",))
        assert find(["nightly", nightly], []) == Scope((nightly,))
        assert find(["nightly", "elsewhere"], ["other"]) == Scope((other,))
        assert find(["nightly"], ["other"]) == Scope(())
        with pytest.raises(NotFound):
            find(["nobody"], [])
        with pytest.raises(NotFound):
            find([], ["nobody"])


def test_deleted_deployment_is_known_by_what_is_left_of_it(
    desk: "Desk", database: Database, add_integration: Callable[[str], None]
) -> None:
    add_integration("other")
    desk.run({"name": "check", "verdict": "fail"})
    nightly = desk.client.get("/api/v1/deployments/nightly").get_json()["id"]
    desk.client.delete("/api/v1/deployments/nightly")
    with database.read() as connection:
        assert find_scope(connection, violations, [nightly], ["tool"]) == Scope((nightly,))
        assert find_scope(connection, violations, [nightly], ["other"]) == Scope(())
