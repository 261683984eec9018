from typing import Any

from api.principal import Role

AUDIT = "/api/v1/audit"


def test_admin_reads_who_changed_what_and_finds_it(guarded: Any) -> None:
    admin = guarded.client(Role.ADMIN, "root")
    for number in range(5):
        guarded.clock.move(minutes=1)
        admin.post("/api/v1/tokens", json={"name": f"t{number}", "role": "viewer"})
    guarded.clock.move(minutes=1)
    guarded.client(Role.VIEWER, "eve").post("/init-integrations")
    newest = admin.get(AUDIT).json["items"]
    assert [item["action"] for item in newest] == ["init.init"] + ["tokens.create"] * 5
    assert newest[0]["principal"] == "eve"

    def found(**query: Any) -> int:
        return len(admin.get(AUDIT, query_string=query).json["items"])

    assert found(principal="eve") == found(changed="false") == found(action="init.init") == 1
    assert found(principal="root") == found(changed="true") == 5
    assert found(object_id=newest[1]["object_id"]) == 1
    assert found(since=newest[1]["at"]) == 2
    assert found(until=newest[1]["at"]) == 4
    assert found(principal="root", changed="false") == found(principal="nobody") == 0
    two = admin.get(AUDIT, query_string={"principal": "root", "action": "init.init"})
    assert two.status_code == 422
    assert [it["pointer"] for it in two.json["errors"]] == ["/principal", "/action"]


def test_long_log_is_paged(guarded: Any) -> None:
    admin = guarded.client(Role.ADMIN)
    for number in range(5):
        admin.post("/api/v1/tokens", json={"name": f"t{number}", "role": "viewer"})
    first = admin.get(AUDIT, query_string={"limit": 3}).json
    second = admin.get(AUDIT, query_string={"limit": 3, "cursor": first["next_cursor"]}).json
    ids = [item["id"] for page in (first, second) for item in page["items"]]
    assert len(set(ids)) == len(ids) == 5
    assert second["next_cursor"] is None
