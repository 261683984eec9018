import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from sqlalchemy import func, select

from api.database import Database
from api.reports import MOST_EVENTS
from api.tables import events

if TYPE_CHECKING:
    from tests.api.desk import Desk
    from tests.api.served import Served


@pytest.fixture
def lease(desk: "Desk") -> dict[str, Any]:
    desk.start()
    (lease,) = desk.lease()
    return lease


def named(lease: dict[str, Any]) -> dict[str, Any]:
    return {name: lease[name] for name in ("job_id", "attempt", "token")}


def test_when_everything_is_refused_the_problem_has_the_outcomes(
    desk: "Desk", lease: dict[str, Any]
) -> None:
    refused = desk.send(lease | {"token": "guess"}, desk.started(lease))
    assert refused.status_code == 409
    assert refused.content_type == "application/problem+json"
    assert refused.json is not None
    assert refused.json["cancelled"] == []
    (outcome,) = refused.json["outcomes"]
    assert (outcome["status"], outcome["last_seq"]) == ("refused", None)


def test_when_something_is_recorded_each_report_has_its_outcome(desk: "Desk") -> None:
    for _ in range(2):
        desk.start()
    good, stolen = desk.lease(slots=2)
    reports = [
        named(good) | {"events": [desk.started(good)]},
        named(stolen) | {"token": "guess", "events": [desk.started(stolen)]},
    ]
    answer = desk.good(desk.client.post("/api/v1/events", json={"reports": reports}))
    assert [it["status"] for it in answer["outcomes"]] == ["recorded", "refused"]


def test_a_report_without_events_asks_for_the_last_event_on_record(
    desk: "Desk", lease: dict[str, Any]
) -> None:
    desk.good(desk.send(lease, desk.started(lease)))
    assert desk.good(desk.send(lease))["outcomes"][0]["last_seq"] == 1


@pytest.mark.parametrize(
    "change",
    [
        {"token": "a\0b"},
        {"attempt": 0},
        {"events": None},
        {"events": [1] * (MOST_EVENTS + 1)},
        {"surprise": 1},
    ],
)
def test_an_envelope_without_sense_is_refused_as_a_whole(
    desk: "Desk", lease: dict[str, Any], change: dict[str, Any]
) -> None:
    report = named(lease) | {"events": []} | change
    answer = desk.client.post("/api/v1/events", json={"reports": [report]})
    assert answer.status_code == 422
    assert desk.job(lease["job_id"])["status"] == "running"


def test_two_reports_of_one_attempt_are_refused(desk: "Desk", lease: dict[str, Any]) -> None:
    report = named(lease) | {"events": []}
    answer = desk.client.post("/api/v1/events", json={"reports": [report, report]})
    assert answer.status_code == 422
    assert desk.client.post("/api/v1/events", json={"reports": []}).status_code == 422


def test_a_history_is_followed_and_gone_on_with(desk: "Desk", lease: dict[str, Any]) -> None:
    path = f"/api/v1/jobs/{lease['job_id']}/events"
    desk.good(desk.send(lease, desk.started(lease), desk.ended(lease)))
    answer = desk.client.get(path)
    assert answer.mimetype == "text/event-stream"
    assert answer.headers["Cache-Control"] == "no-store"
    assert [line for line in answer.text.splitlines() if line.startswith("id:")] == [
        "id: 1.1",
        "id: 1.2",
    ]
    rest = desk.client.get(path, headers={"Last-Event-ID": "1.1"})
    assert "id: 1.2" in rest.text
    assert "id: 1.1" not in rest.text
    assert desk.client.get(path, headers={"Last-Event-ID": "1.2"}).status_code == 204
    assert desk.client.get(path, headers={"Last-Event-ID": "x"}).status_code == 400


def test_a_follower_sees_events_as_they_come(
    desk: "Desk", lease: dict[str, Any], start_server: Callable[..., "Served"]
) -> None:
    url = start_server().url
    path = f"/api/v1/jobs/{lease['job_id']}/events"
    with (
        httpx2.Client(base_url=url, timeout=30, verify=False) as http,
        http.stream("GET", path) as answer,
    ):
        types = _types(answer)
        for event in (desk.started(lease), desk.event(lease, "task_started", task="t")):
            desk.good(desk.send(lease, event))  # another process than the one that streams
            assert next(types) == event["type"]
        desk.good(desk.send(lease, desk.ended(lease)))
        assert list(types) == ["job_finished", "end"]


def test_a_follower_goes_on_after_the_api_was_killed(
    desk: "Desk", lease: dict[str, Any], start_server: Callable[..., "Served"]
) -> None:
    path = f"/api/v1/jobs/{lease['job_id']}/events"
    killed = start_server()
    seen: list[str] = []
    with (
        httpx2.Client(base_url=killed.url, timeout=30, verify=False) as http,
        http.stream("GET", path) as answer,
    ):
        ids = (line[4:] for line in answer.iter_lines() if line.startswith("id: "))
        desk.good(desk.send(lease, desk.started(lease)))
        seen.append(next(ids))
        killed.process.kill()
        with suppress(httpx2.TransportError):
            seen += ids
    killed.process.wait(20)
    (killed.data_dir / "api.address").unlink()
    desk.good(desk.send(lease, desk.event(lease, "task_started", task="t"), desk.ended(lease)))
    again = start_server().url
    headers = {"Last-Event-ID": seen[-1]}
    with httpx2.Client(base_url=again, timeout=30, headers=headers, verify=False) as http:
        rest = http.get(path).text
        seen += [line[4:] for line in rest.splitlines() if line.startswith("id: ")]
        assert "event: end" in rest
        http.headers["Last-Event-ID"] = seen[-1]
        assert http.get(path).status_code == 204
    assert seen == ["1.1", "1.2", "1.3"]


@pytest.mark.parametrize(("line", "recorded"), [("before_commit", 0), ("after_commit", 3)])
def test_an_api_that_dies_while_it_records_has_recorded_all_or_nothing(
    desk: "Desk",
    database: Database,
    lease: dict[str, Any],
    start_server: Callable[..., "Served"],
    line: str,
    recorded: int,
) -> None:
    dying = start_server(TRUELINE_FAILPOINT=f"intake.{line}:kill9")
    started, result = desk.started(lease), desk.finished(lease, "check", verdict="fail")
    report = named(lease) | {"events": [started, result, desk.ended(lease)]}
    with pytest.raises(httpx2.TransportError):
        httpx2.post(
            f"{dying.url}/api/v1/events", json={"reports": [report]}, timeout=30, verify=False
        )
    dying.process.terminate()
    dying.process.wait(20)
    assert _number_of_events(database) == recorded

    again = start_server().url
    for _ in range(2):
        answer = httpx2.post(
            f"{again}/api/v1/events", json={"reports": [report]}, timeout=30, verify=False
        )
        assert answer.status_code == 200, answer.text
        assert answer.json()["outcomes"][0]["last_seq"] == 3
    assert _number_of_events(database) == 3
    assert [violation["occurrences"] for violation in desk.violations()] == [1]


def test_a_client_that_goes_away_makes_room(
    desk: "Desk", lease: dict[str, Any], start_server: Callable[..., "Served"]
) -> None:
    url = start_server().url
    path = f"/api/v1/jobs/{lease['job_id']}/events"

    def look_in(_: int) -> str:
        with (
            httpx2.Client(base_url=url, timeout=30, verify=False) as http,
            http.stream("GET", path) as answer,
        ):
            assert answer.status_code in {200, 503}
            return next(answer.iter_text())

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(look_in, range(100)))
    desk.good(desk.send(lease, desk.started(lease), desk.ended(lease)))
    for _ in range(200):
        answer = httpx2.get(url + path, timeout=30, verify=False)
        if answer.status_code == 200:
            break
    assert "event: end" in answer.text


def _types(answer: httpx2.Response) -> Iterator[str]:
    for line in answer.iter_lines():
        if line.startswith("data: "):
            yield json.loads(line.removeprefix("data: "))["type"]


def _number_of_events(database: Database) -> int:
    with database.read() as connection:
        return connection.execute(select(func.count()).select_from(events)).scalar_one()
