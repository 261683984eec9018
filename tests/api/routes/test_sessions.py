from typing import Any

from api.principal import Role


def test_admin_logs_somebody_out_everywhere(guarded: Any) -> None:
    token = guarded.issue(Role.VIEWER, "ada")[1]
    browsers = [guarded.app.test_client() for _ in range(2)]
    for browser in browsers:
        browser.post("/login", data={"token": token})
        assert browser.get("/").status_code == 200
    answer = guarded.client(Role.ADMIN).delete("/api/v1/sessions/ada")
    assert answer.json == {"closed": 2}
    assert [browser.get("/").status_code for browser in browsers] == [303, 303]
    (row,) = guarded.client(Role.ADMIN).get("/api/v1/audit?action=sessions.close").json["items"]
    assert (row["object_id"], row["status"]) == ("ada", 200)
