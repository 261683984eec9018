import threading
import urllib.request
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from api.app import create_app
from api.database import Database
from api.kept_answers_table import kept_answers
from api.migrate import migrate
from api.once import once
from api.state import State, state_of
from api.tables import deployments, integrations, jobs
from utils.settings import Settings

if TYPE_CHECKING:
    from tests.api.desk import Desk
    from tests.api.hand_clock import HandClock
    from tests.api.served import Served

BODY = {"name": "prod", "integration": "tool", "config": {}}
KEY = {"Idempotency-Key": "5f0c1a90-once"}
ROUTE = "/api/v1/deployments"


def count(database: Database, table: Any) -> int:
    with database.read() as connection:
        return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def test_same_request_with_the_same_key_gets_the_same_answer(desk: "Desk") -> None:
    first = desk.client.post(ROUTE, json=BODY, headers=KEY)
    again = desk.client.post(ROUTE, json=BODY, headers=KEY)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.data == first.data
    assert again.content_type == first.content_type
    assert again.headers["Location"] == first.headers["Location"]
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"


def test_jobs_are_started_once_for_a_key(desk: "Desk", database: Database) -> None:
    answers = [desk.client.post(f"{ROUTE}/nightly/jobs", headers=KEY) for _ in range(3)]
    assert [one.status_code for one in answers] == [202] * 3
    assert len({(one.data, one.headers["Location"]) for one in answers}) == 1
    assert count(database, jobs) == 1


def test_key_with_another_request_is_refused(desk: "Desk") -> None:
    assert desk.client.post(ROUTE, json=BODY, headers=KEY).status_code == 201
    other = desk.client.post(ROUTE, json=BODY | {"name": "other"}, headers=KEY)
    assert other.status_code == 422
    assert "another request" in other.get_json()["detail"]


def test_key_of_another_route_is_another_key(desk: "Desk") -> None:
    assert desk.client.post(ROUTE, json=BODY, headers=KEY).status_code == 201
    assert desk.client.post(f"{ROUTE}/nightly/jobs", headers=KEY).status_code == 202


def test_refused_request_is_judged_anew(desk: "Desk") -> None:
    body = BODY | {"name": "nightly"}
    assert desk.client.post(ROUTE, json=body, headers=KEY).status_code == 409
    desk.client.delete(f"{ROUTE}/nightly")
    assert desk.client.post(ROUTE, json=body, headers=KEY).status_code == 201


def test_key_is_forgotten_after_a_day(desk: "Desk", database: Database, clock: "HandClock") -> None:
    desk.client.post(f"{ROUTE}/nightly/jobs", headers=KEY)
    clock.move(hours=24)
    desk.client.post(f"{ROUTE}/nightly/jobs", headers=KEY)
    assert count(database, jobs) == 2
    clock.move(hours=24)
    desk.client.post("/api/v1/ticks", json={"worker": "w"})
    assert count(database, kept_answers) == 0


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 256, "\u00e9"])
def test_key_that_is_none_is_refused(desk: "Desk", key: str) -> None:
    answer = desk.client.post(ROUTE, json=BODY, headers={"Idempotency-Key": key})
    assert answer.status_code == 400


def test_nothing_is_left_of_an_effect_whose_answer_could_not_be_kept(
    desk: "Desk", database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError("the machine went down")

    monkeypatch.setattr("api.once.keep_answer", fail)
    assert desk.client.post(ROUTE, json=BODY, headers=KEY).status_code == 500
    assert count(database, deployments) == 1  # the one that was there before
    assert count(database, kept_answers) == 0
    monkeypatch.undo()
    assert desk.client.post(ROUTE, json=BODY, headers=KEY).status_code == 201


def test_answer_that_holds_a_secret_is_not_kept(desk: "Desk", database: Database) -> None:
    app = desk.client.application
    made: list[int] = []

    @once(is_secret=True)
    def make() -> tuple[dict[str, str], int, dict[str, str]]:
        made.append(1)
        return {"token": "s3cret-token"}, 201, {"Location": "/api/v1/tokens/1"}

    answers = []
    for _ in range(2):
        with app.test_request_context("/t", method="POST", headers=KEY):
            app.preprocess_request()
            try:
                answers.append(app.make_response(make()))
            except Exception as error:  # noqa: BLE001 - as the app would
                answers.append(app.make_response(app.handle_user_exception(error)))
    assert [one.status_code for one in answers] == [201, 409]
    assert b"s3cret" not in answers[1].data
    assert answers[1].get_json()["location"] == "/api/v1/tokens/1"
    assert made == [1]
    with database.read() as connection:
        assert connection.execute(select(kept_answers.c.body)).scalars().all() == [None]


@pytest.fixture
def two_processes(
    empty_database_url: str, settings: Settings, clock: "HandClock"
) -> Iterator[tuple[State, State]]:
    """Two APIs on one database, as two processes have it."""
    databases = [Database(empty_database_url), Database(empty_database_url)]
    migrate(databases[0])
    row = {"name": "tool", "title": "", "description": "", "schema": {}, "enabled": True}
    row |= {"state": "registered", "created_at": clock(), "updated_at": clock()}
    with databases[0].write() as connection:
        connection.execute(integrations.insert().values(row))
    apps = [create_app(settings, one, clock) for one in databases]
    yield state_of(apps[0]), state_of(apps[1])
    for app in apps:
        state_of(app).stops.run()


def test_many_at_once_in_two_processes_act_once(
    two_processes: tuple[State, State], settings: Settings, clock: "HandClock"
) -> None:
    clients = [create_app(settings, it.database, clock).test_client() for it in two_processes]
    answers: list[Any] = []
    barrier = threading.Barrier(12)

    def send(client: FlaskClient) -> None:
        barrier.wait(20)
        answers.append(client.post(ROUTE, json=BODY, headers=KEY))

    threads = [
        threading.Thread(target=send, args=[clients[number % 2].application.test_client()])
        for number in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one.status_code for one in answers] == [201] * 12, [one.data for one in answers]
    assert len({one.data for one in answers}) == 1
    replayed = [one for one in answers if "Idempotency-Replayed" in one.headers]
    assert len(replayed) == 11
    assert count(two_processes[0].database, deployments) == 1


def test_answer_is_kept_over_a_kill(
    start_server: "Callable[..., Served]", commit_source: Callable[..., str]
) -> None:

    commit_source([])

    def init(served: "Served") -> tuple[bytes, str | None]:
        request = urllib.request.Request(
            f"{served.url}/init-integrations", method="POST", headers=KEY
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read(), answer.headers["Idempotency-Replayed"]

    served = start_server()
    first, replayed = init(served)
    assert replayed is None
    served.process.kill()
    served.process.wait()
    (served.data_dir / "api.address").unlink()
    commit_source([])
    again, replayed = init(start_server())
    assert (again, replayed) == (first, "true")
