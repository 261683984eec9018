from typing import TYPE_CHECKING, Any

import pytest

from api.editions import edition_of

if TYPE_CHECKING:
    from tests.api.desk import Desk
    from tests.api.hand_clock import HandClock

ONE = "/api/v1/deployments/nightly"
LISTS = ["/api/v1/deployments", "/api/v1/jobs", "/api/v1/integrations", "/api/v1/violations"]


def tag(desk: "Desk", path: str = ONE) -> str:
    found: str = desk.client.get(path).headers["ETag"]
    assert not found.startswith("W/")
    return found


@pytest.mark.parametrize("path", [ONE, "/api/v1/integrations/tool", *LISTS])
def test_what_a_client_has_is_not_sent_again(desk: "Desk", path: str) -> None:
    known = tag(desk, path)
    for header in (known, f'"other", {known}', "*", f"W/{known}"):
        answer = desk.client.get(path, headers={"If-None-Match": header})
        assert (answer.status_code, answer.data) == (304, b"")
        assert (answer.headers["ETag"], answer.headers["Vary"]) == (known, "Accept-Encoding")
    desk.deploy("another")
    other = desk.client.get(path, headers={"If-None-Match": '"other"'})
    assert other.status_code == 200


def test_change_of_what_others_changed_is_refused(desk: "Desk") -> None:
    seen = {"If-Match": tag(desk)}
    changed = desk.client.patch(ONE, json={"enabled": False}, headers=seen)
    assert changed.status_code == 200
    for answer in (
        desk.client.patch(ONE, json={"enabled": True}, headers=seen),
        desk.client.delete(ONE, headers=seen),
    ):
        assert answer.status_code == 412
        assert "GET it again" in answer.get_json()["advice"]
    assert desk.client.get(ONE).get_json()["enabled"] is False
    assert changed.headers["ETag"] == tag(desk)
    assert desk.client.delete(ONE, headers={"If-Match": tag(desk)}).status_code == 204


@pytest.mark.parametrize("header", ["*", None])
def test_change_of_anything_is_allowed_to_who_says_so(desk: "Desk", header: str | None) -> None:
    headers = {} if header is None else {"If-Match": header}
    assert desk.client.patch(ONE, json={"enabled": False}, headers=headers).status_code == 200


@pytest.mark.parametrize("header", ['"x"', "x", "", 'W/"x"', '"'])
def test_etag_of_something_else_changes_nothing(desk: "Desk", header: str) -> None:
    answer = desk.client.patch(ONE, json={"enabled": False}, headers={"If-Match": header})
    assert answer.status_code == 412


def test_due_time_that_passed_refuses_nobody(desk: "Desk", clock: "HandClock") -> None:
    desk.good(desk.client.patch(ONE, json={"schedule": "every 1h"}))
    seen = tag(desk)
    clock.move(hours=2)
    desk.good(desk.client.post("/api/v1/ticks", json={"worker": "w"}))
    assert tag(desk) != seen
    answer = desk.client.patch(ONE, json={"enabled": False}, headers={"If-Match": seen})
    assert answer.status_code == 200


def test_violation_that_somebody_decided_on_is_not_decided_on_again_unseen(desk: "Desk") -> None:
    desk.run({"name": "check", "verdict": "fail"})
    (one,) = desk.violations()
    path = f"/api/v1/violations/{one['id']}"
    seen = tag(desk, path)
    desk.run({"name": "check", "verdict": "fail"})  # it is seen again: no decision
    first = desk.client.patch(path, json={"status": "acknowledged"}, headers={"If-Match": seen})
    assert first.status_code == 200
    second = desk.client.patch(path, json={"status": "open"}, headers={"If-Match": seen})
    assert second.status_code == 412


def test_compressed_answer_has_an_etag_of_its_own_that_is_known_again(desk: "Desk") -> None:
    for number in range(9):
        desk.deploy(f"n{number}")
    gzip: dict[str, Any] = {"Accept-Encoding": "gzip"}
    path = LISTS[0]
    plain, packed = tag(desk, path), desk.client.get(path, headers=gzip).headers["ETag"]
    assert plain != packed
    for known in (plain, packed):
        answer = desk.client.get(path, headers=gzip | {"If-None-Match": known})
        assert answer.status_code == 304


def test_edition_is_made_of_all_that_was_decided() -> None:
    assert edition_of({"a": 1, "b": 2}) == edition_of({"b": 2, "a": 1})
    assert edition_of({"a": 1}) != edition_of({"a": "1"})
