import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

import api.event_stream
from api.event_stream import PAGE, EventStream, read_position
from api.events import BEFORE_ALL, Position
from api.problems import BadRequest, Unavailable
from api.state import State
from api.wakeups import LIMITS, Kind, Topic

if TYPE_CHECKING:
    from tests.api.desk import Desk


@pytest.fixture
def lease(desk: "Desk") -> dict[str, Any]:
    desk.start()
    (lease,) = desk.lease()
    return lease


def parse(chunk: str) -> tuple[str | None, dict[str, Any]]:
    fields = dict(line.split(": ", 1) for line in chunk.splitlines() if line[:1] not in {"", ":"})
    return fields.get("id"), json.loads(fields.get("data", "{}"))


def whole(stream: EventStream) -> list[tuple[str | None, dict[str, Any]]]:
    with closing(stream):
        return [parse(chunk) for chunk in stream.chunks() if "data: " in chunk]


def test_the_whole_history_of_an_ended_job_is_replayed(
    desk: "Desk", state: State, lease: dict[str, Any]
) -> None:
    text = "two\nlines ü\u2028\r\n"
    started = desk.started(lease)
    noise = desk.event(lease, "output", stream="stdout", text=text)
    desk.good(desk.send(lease, started, noise, desk.ended(lease)))
    events = whole(EventStream(state, lease["job_id"], BEFORE_ALL))
    assert [event_id for event_id, _ in events] == ["1.1", "1.2", "1.3", None]
    types = [event["type"] for _, event in events]
    assert types == ["started", "output", "job_finished", "end"]
    assert events[1][1]["text"] == text
    assert events[-1][1]["status"] == "success"


def test_a_follower_goes_on_after_the_last_event_it_has(
    desk: "Desk", state: State, lease: dict[str, Any]
) -> None:
    tasks = [desk.event(lease, "task_started", task=f"t{n}") for n in range(PAGE + 5)]
    desk.good(desk.send(lease, *tasks, desk.ended(lease)))
    events = whole(EventStream(state, lease["job_id"], Position(1, 2)))
    assert [event["seq"] for _, event in events[:-1]] == list(range(3, PAGE + 7))


def test_events_are_sent_as_they_come_until_the_job_ends(
    desk: "Desk", state: State, lease: dict[str, Any]
) -> None:
    stream = EventStream(state, lease["job_id"], BEFORE_ALL)
    seen: list[str] = []
    begun, went_on = threading.Event(), threading.Event()

    def follow() -> None:
        for chunk in stream.chunks():
            _, event = parse(chunk)
            seen.append(event.get("type", "-"))
            {"started": begun, "task_started": went_on}.get(seen[-1], threading.Event()).set()

    with ThreadPoolExecutor(1) as pool:
        following = pool.submit(follow)
        desk.good(desk.send(lease, desk.started(lease)))
        assert begun.wait(20)
        desk.good(desk.send(lease, desk.event(lease, "task_started", task="t")))
        assert went_on.wait(20)
        desk.good(desk.send(lease, desk.ended(lease)))
        following.result(20)
    assert seen == ["-", "started", "task_started", "job_finished", "end"]
    stream.close()


def test_a_follower_that_is_cut_off_anywhere_misses_nothing_and_gets_nothing_twice(
    desk: "Desk", state: State, lease: dict[str, Any]
) -> None:
    """Attempt 1 is lost, attempt 2 given back, attempt 3 cancelled in the end."""
    desk.good(desk.send(lease, desk.started(lease), desk.event(lease, "task_started", task="t")))
    desk.clock.move(seconds=300)
    desk.good(desk.client.post("/api/v1/ticks", json={"worker": "w2"}))
    (second,) = desk.lease()
    desk.good(desk.send(second, desk.started(second)))
    named = {name: second[name] for name in ("job_id", "attempt", "token")}
    release = {"worker": "w1", "leases": [named]}
    desk.good(desk.client.post("/api/v1/leases/release", json=release))
    assert desk.send(lease, desk.event(lease, "task_started", task="late")).status_code == 409
    (third,) = desk.lease()
    desk.good(desk.send(third, desk.started(third), desk.ended(third, "cancelled")))
    everything = whole(EventStream(state, lease["job_id"], BEFORE_ALL))
    ids = [event_id for event_id, _ in everything]
    assert ids == ["1.1", "1.2", "1.3", "2.1", "2.2", "3.1", "3.2", None]
    for number, event_id in enumerate(ids[:-1], start=1):
        rest = whole(EventStream(state, lease["job_id"], read_position(event_id)))
        assert rest == everything[number:]


def test_a_quiet_job_sends_heartbeats(
    state: State, lease: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api.event_stream, "HEARTBEAT_SECONDS", 0.001)
    stream = EventStream(state, lease["job_id"], BEFORE_ALL)
    chunks = stream.chunks()
    beats = (chunk for chunk in chunks if chunk.startswith(":"))
    assert next(beats).endswith("\n\n")
    stream.close()


def test_the_servers_end_ends_a_stream(state: State, lease: dict[str, Any]) -> None:
    stream = EventStream(state, lease["job_id"], BEFORE_ALL)
    chunks = stream.chunks()
    assert next(chunks)
    state.wakeups.close()
    assert list(chunks) == []
    stream.close()


@pytest.fixture
def followers(state: State) -> Iterator[list[EventStream]]:
    most = LIMITS[Kind.HISTORY]
    streams = [EventStream(state, "j", BEFORE_ALL) for _ in range(most)]
    yield streams
    for stream in streams:
        stream.close()


def test_there_are_only_so_many_followers(state: State, followers: list[EventStream]) -> None:
    with pytest.raises(Unavailable):
        EventStream(state, "j", BEFORE_ALL)
    followers[0].close()
    EventStream(state, "j", BEFORE_ALL).close()
    with state.wakeups.watch(Topic(Kind.END, "j")):
        pass


def test_the_id_of_an_event_names_its_place() -> None:
    assert read_position("2.17") == Position(2, 17)
    assert read_position(str(Position(2, 17))) == Position(2, 17)
    assert read_position(None) == read_position("") == BEFORE_ALL
    for wrong in ("x", "1", "1.2.3", "-1.2", "1." + "9" * 30):
        with pytest.raises(BadRequest):
            read_position(wrong)
