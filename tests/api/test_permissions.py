"""The matrix of roles and routes: every route stands in the table, and the table is what holds."""

from collections.abc import Iterator
from typing import Any

import pytest
from werkzeug.routing import Rule

from api.access import PAGES
from api.permissions import (
    ADMINS,
    KNOWN,
    OPEN,
    OPERATORS,
    READERS,
    ROUTES,
    WORKERS,
    in_words,
    is_for_workers,
    roles_of,
)
from api.principal import Role

pytestmark = pytest.mark.one_database

CALLERS = (None, *Role)


def calls(app: Any) -> Iterator[tuple[Rule, str, str]]:
    """Return each route with its methods and an address of it."""
    for rule in app.url_map.iter_rules():
        values = dict.fromkeys(rule.arguments, "x") | (
            {"sha256": "0" * 64} if "sha256" in rule.arguments else {}
        )
        with app.test_request_context():
            address = app.url_for(rule.endpoint, **values)
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield rule, method, address


def test_every_route_stands_in_the_table_and_nothing_else(guarded: Any) -> None:
    assert {rule.endpoint for rule in guarded.app.url_map.iter_rules()} == set(ROUTES)


@pytest.mark.parametrize("role", CALLERS)
def test_each_role_gets_where_the_table_lets_it_and_nowhere_else(
    guarded: Any, role: Role | None
) -> None:
    client = guarded.client(role)
    for rule, method, address in calls(guarded.app):
        answer = client.open(address, method=method, json={} if method != "GET" else None)
        met = (role, method, rule.rule, answer.status_code)
        if role in ROUTES[rule.endpoint]:
            refused = answer.status_code == 403 and "takes the role" in answer.text
            assert answer.status_code != 401 or rule.endpoint == "login.enter", met
            assert not refused, met
        elif role is None and rule.endpoint in PAGES:
            assert answer.status_code == 303, met
            assert answer.location.startswith("/login?next="), met
        elif role is None:
            assert answer.status_code == 401, met
            assert answer.headers["WWW-Authenticate"] == 'Bearer realm="trueline"', met
        else:
            assert answer.status_code == 403, met
            assert "takes the role" in answer.text, met
        answer.close()


@pytest.mark.parametrize("role", CALLERS)
def test_address_without_a_route_tells_the_unknown_nothing(guarded: Any, role: Role | None) -> None:
    client = guarded.client(role)
    for address, method in (("/nothing", "GET"), ("/api/v1/jobs", "PUT")):
        status = client.open(address, method=method).status_code
        assert status == (401 if role is None else 404 if address == "/nothing" else 405)


def test_route_that_nobody_has_thought_of_is_refused_to_everyone(guarded: Any) -> None:
    assert roles_of("new.route") == frozenset()
    guarded.app.add_url_rule("/new", "new.route", lambda: "secret")
    for role in CALLERS:
        answer = guarded.client(role).get("/new")
        assert answer.status_code == (401 if role is None else 403)


def test_worker_leases_and_reports_and_nothing_else() -> None:
    can = {endpoint for endpoint, roles in ROUTES.items() if Role.WORKER in roles}
    for_all = {endpoint for endpoint, roles in ROUTES.items() if roles in {OPEN, KNOWN}}
    assert can - for_all == {
        "leases.claim",
        "leases.renew",
        "leases.release",
        "events.report",
        "task_data.upload",
        "catalogue.put",
        "ticks.do_tick",
        "workers.put",
    }
    assert all(is_for_workers(endpoint) for endpoint in can - for_all)
    assert not is_for_workers("jobs.start")


def test_each_role_of_people_can_what_the_one_below_it_can() -> None:
    assert ADMINS < OPERATORS < READERS < KNOWN < OPEN
    assert not WORKERS & READERS
    assert in_words(OPERATORS) == "operator or admin"


def test_whoever_is_on_this_machine_needs_no_token_without_a_key(app: Any) -> None:
    client = app.test_client()
    for rule, method, address in calls(app):
        with client.open(address, method=method, json={} if method != "GET" else None) as answer:
            assert answer.status_code not in {401, 403}, rule
