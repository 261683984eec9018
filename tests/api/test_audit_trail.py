"""No change without its row, and a row for whoever was refused."""

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import g, request
from sqlalchemy import select, text, update

from api.audit import note_made
from api.audit_table import audit
from api.audit_trail import MOST_IDLE, Bound
from api.issued_tokens import revoke_token
from api.principal import Role
from api.state import State, state_of
from api.tables import deployments, integrations

SECRET = "canary-7f3a"
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


class TickingClock:
    """Goes on a little at each look, so that rows have an order."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        self.now += timedelta(milliseconds=1)
        return self.now

    def move(self, **step: float) -> datetime:
        self.now += timedelta(**step)
        return self.now


@pytest.fixture
def clock() -> TickingClock:
    return TickingClock()


@pytest.fixture
def scene(guarded: Any, add_integration: Any) -> Any:
    """A guarded API that knows `tool` and `dns`, whose config has a secret."""
    add_integration("tool")
    add_integration("dns")
    schema = {"properties": {"token": {"type": "string", "format": "password"}}}
    with guarded.database.write() as connection:
        of_dns = integrations.c.name == "dns"
        connection.execute(update(integrations).where(of_dns).values(schema=schema))
    return guarded


def log(guarded: Any) -> list[Any]:
    with guarded.database.read() as connection:
        return list(connection.execute(select(audit).order_by(audit.c.at)).all())


def create(client: Any, **fields: Any) -> Any:
    body = {"name": "prod", "integration": "tool", "config": {}} | fields
    return client.post("/api/v1/deployments", json=body)


def test_change_stands_there_with_who_what_and_how_it_was_answered(scene: Any) -> None:
    client = scene.client(Role.OPERATOR, "ci")
    created = create(client, integration="dns", config={"token": SECRET})
    assert created.status_code == 201
    (row,) = log(scene)
    assert (row.principal, row.role, row.action) == ("ci", "operator", "deployments.create")
    assert (row.method, row.route) == ("POST", "/api/v1/deployments")
    assert (row.object_kind, row.object_id) == ("deployments", created.json["id"])
    assert row.fields == ["name", "integration", "config/token"]
    assert (row.changed, row.status, row.reason) == (True, 201, None)
    assert row.request_id == created.headers["X-Request-ID"]
    assert row.token_id
    assert SECRET not in json.dumps([dict(one._mapping) for one in log(scene)], default=str)
    client.patch("/api/v1/deployments/prod", json={"enabled": False})
    row = log(scene)[-1]
    assert (row.object_kind, row.object_id, row.fields) == ("deployment", "prod", ["enabled"])


def test_every_changing_route_of_people_is_kept_without_a_word_of_its_own(scene: Any) -> None:
    def new_route() -> tuple[str, int]:
        with state_of(scene.app).database.write() as connection:
            connection.execute(text("UPDATE integrations SET title = 'x'"))
        return "", 204

    scene.app.add_url_rule("/new", "init.init", methods=["PUT"])
    scene.app.view_functions["init.init"] = new_route
    assert scene.client(Role.ADMIN).put("/new").status_code == 204
    (row,) = log(scene)
    assert (row.method, row.route, row.changed, row.status) == ("PUT", "/new", True, 204)


def test_change_and_row_are_committed_together_or_not_at_all(scene: Any) -> None:
    with scene.database.write() as connection:
        audit.drop(connection)
    assert create(scene.client(Role.OPERATOR)).status_code == 500
    with scene.database.read() as connection:
        assert connection.execute(select(deployments)).all() == []


def test_row_is_there_when_the_process_ends_before_it_answers(scene: Any) -> None:
    class Killed(BaseException):
        pass

    def die(_response: Any) -> Any:
        raise Killed

    scene.app.after_request_funcs[None].insert(0, die)  # the last to be called
    scene.app.after_request_funcs[None].reverse()
    with pytest.raises(Killed):
        create(scene.client(Role.OPERATOR, "ci"))
    (row,) = log(scene)
    assert (row.principal, row.changed, row.status) == ("ci", True, None)


def test_error_after_the_change_is_told_beside_it(scene: Any) -> None:
    def broken() -> str:
        with state_of(scene.app).database.write() as connection:
            connection.execute(text("UPDATE integrations SET title = 'x'"))
        raise RuntimeError

    scene.app.view_functions["init.init"] = broken
    assert scene.client(Role.ADMIN).post("/init-integrations").status_code == 500
    (row,) = log(scene)
    assert (row.changed, row.status) == (True, 500)


def test_second_of_a_kind_costs_no_transaction_of_its_own(scene: Any) -> None:
    client = scene.client(Role.OPERATOR)
    create(client)
    client.patch("/api/v1/deployments/prod", json={"enabled": False})
    writes: list[int] = []
    witness = scene.database._witness

    def count(connection: Any) -> None:
        writes.append(1)
        witness(connection)

    scene.database.attend(count)
    client.patch("/api/v1/deployments/prod", json={"enabled": True})
    assert len(writes) == 1
    made = create(client, name="next")
    assert len(writes) == 2
    rows = log(scene)
    assert [row.status for row in rows] == [201, 200, 200, 201]
    assert rows[-1].object_id == made.json["id"]


def test_refused_and_failed_attempts_stand_there_too(scene: Any) -> None:
    assert create(scene.client(Role.VIEWER, "eve")).status_code == 403
    row = log(scene)[-1]
    assert (row.principal, row.role, row.changed, row.status) == ("eve", "viewer", False, 403)
    assert row.reason == "this takes the role operator or admin; eve is viewer"
    scene.client(Role.VIEWER, "eve").get("/api/v1/tokens")
    assert (log(scene)[-1].action, log(scene)[-1].status) == ("tokens.list_all", 403)
    scene.clock.move(seconds=1)
    assert create(scene.client(Role.OPERATOR, "ci"), integration="none").status_code == 422
    row = log(scene)[-1]
    assert (row.principal, row.changed, row.status, row.reason) == ("ci", False, 422, None)
    assert row.fields == ["name", "integration", "config"]


def test_use_of_a_revoked_token_stands_there_under_its_name(scene: Any) -> None:
    token, written = scene.issue(Role.ADMIN, "old")
    with scene.database.write() as connection:
        revoke_token(connection, token.id, scene.clock())
    headers = {"Authorization": f"Bearer {written}"}
    scene.app.test_client().get("/api/v1/jobs", headers=headers)
    (row,) = log(scene)
    assert (row.principal, row.token_id, row.status) == ("old", token.id, 401)
    assert row.reason == "the token was revoked"


def test_reading_and_what_workers_do_are_not_kept(scene: Any) -> None:
    scene.client(Role.VIEWER).get("/api/v1/jobs")
    scene.client(Role.WORKER).post("/api/v1/ticks", json={"worker": "w"})
    scene.app.test_client().get("/api/v1/jobs")
    scene.app.test_client().post("/api/v1/deployments", json={})
    assert log(scene) == []


def test_refusals_fill_no_disk(scene: Any) -> None:
    viewer = scene.client(Role.VIEWER, "eve")
    for _ in range(MOST_IDLE + 10):
        create(viewer)
    assert len(log(scene)) == MOST_IDLE
    create(scene.client(Role.VIEWER, "bob"))
    assert len(log(scene)) == MOST_IDLE + 1
    scene.clock.move(minutes=1)
    create(viewer)
    assert len(log(scene)) == MOST_IDLE + 2
    create(scene.client(Role.OPERATOR, "ci"))
    assert any(row.changed for row in log(scene))


def test_bound_forgets_old_principals(scene: Any) -> None:
    bound = Bound(most=1)
    now = scene.clock()
    assert bound.allows("a", now)
    assert not bound.allows("a", now + timedelta(seconds=59))
    assert bound.allows("a", now + timedelta(seconds=60))
    for number in range(3000):
        bound.allows(str(number), now)
    assert len(bound._counts) == 1024


def test_log_ins_stand_there_and_those_that_were_refused(scene: Any) -> None:
    for token in (scene.issue(Role.VIEWER, "ada")[1], "x"):
        scene.app.test_client().post("/login", data={"token": token})
    entered, refused = log(scene)
    assert (entered.action, entered.principal, entered.status) == ("login.enter", "ada", 303)
    assert (refused.principal, refused.role, refused.status) == ("nobody", None, 401)
    assert refused.reason == "the token is not one of this API"


def test_whoever_is_on_this_machine_is_named_so(desk: Any, state: State) -> None:
    desk.start()
    with state.database.read() as connection:
        rows = connection.execute(select(audit)).all()
    assert {row.principal for row in rows} == {"loopback"}
    assert {row.action for row in rows} == {"deployments.create", "jobs.start"}


def test_body_that_broke_off_or_is_too_large_is_no_error_of_the_log(scene: Any) -> None:
    client = scene.client(Role.OPERATOR)
    big = b"[" + b"1," * 600_000 + b"1]"
    address = "/api/v1/deployments"
    assert client.post(address, data=big, content_type="application/json").status_code == 413
    assert client.post(address, data=b"{", content_type="application/json").status_code == 400
    assert {row.status for row in log(scene)} == {413, 400}
    assert {row.fields for row in log(scene)} == {None}


def test_what_a_transaction_makes_goes_with_it(scene: Any) -> None:
    def maker() -> str:
        with suppress(ZeroDivisionError), state_of(scene.app).database.write() as connection:
            note_made(connection, "t1")
            raise ZeroDivisionError
        with state_of(scene.app).database.write() as connection:
            connection.execute(text("UPDATE integrations SET title = 'x'"))
            if request.args:
                note_made(connection, "t2")
        assert g.audit.changed
        return ""

    scene.app.view_functions["init.init"] = maker
    for query in ("", "?made"):
        assert scene.client(Role.ADMIN).post(f"/init-integrations{query}").status_code == 200
    assert [row.object_id for row in log(scene)] == [None, "t2"]
