from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from api.state import State
from api.wakeups import LIMITS, Kind, Topic

if TYPE_CHECKING:
    from tests.api.desk import Desk


@pytest.mark.parametrize("body", [{}, {"json": {}}, {"data": b"  "}])
def test_a_job_is_asked_for_by_the_deployments_name_or_id(
    desk: "Desk", body: dict[str, Any]
) -> None:
    deployment_id = desk.job(desk.start())["deployment_id"]
    for key in ("nightly", deployment_id):
        answer = desk.client.post(f"/api/v1/deployments/{key}/jobs", **body)
        assert answer.status_code == 202
        assert answer.json is not None
        assert answer.json["status"] == "pending"
        assert answer.headers["Location"] == answer.json["status_url"]
        job = desk.good(desk.client.get(answer.json["status_url"]))
        assert (job["id"], job["trigger"]) == (answer.json["job_id"], "manual")


@pytest.mark.parametrize(
    ("body", "status"), [({"json": {"config": {}}}, 422), ({"data": b"{"}, 400)]
)
def test_a_job_takes_no_parameters(desk: "Desk", body: dict[str, Any], status: int) -> None:
    answer = desk.client.post("/api/v1/deployments/nightly/jobs", **body)
    assert answer.status_code == status
    assert answer.json is not None
    assert answer.json["advice"]
    assert desk.lease() == []


def test_an_unknown_deployment_is_not_found_and_the_near_miss_named(desk: "Desk") -> None:
    answer = desk.client.post("/api/v1/deployments/nightli/jobs")
    assert answer.status_code == 404
    assert answer.json is not None
    assert "did you mean 'nightly'?" in answer.json["detail"]


def test_a_paused_deployment_is_a_conflict_with_the_way_out(desk: "Desk") -> None:
    desk.good(desk.client.patch("/api/v1/deployments/nightly", json={"enabled": False}))
    answer = desk.client.post("/api/v1/deployments/nightly/jobs")
    assert answer.status_code == 409
    assert answer.json is not None
    assert '{"enabled": true}' in answer.json["advice"]


def test_the_token_of_a_lease_is_never_shown(desk: "Desk") -> None:
    job_id = desk.start()
    (lease,) = desk.lease()
    for path in (f"/jobs/{job_id}", "/jobs"):
        assert lease["token"] not in desk.client.get(f"/api/v1{path}").text


def test_jobs_are_listed_newest_first_and_filtered(desk: "Desk") -> None:
    desk.deploy("weekly")
    done = desk.run()
    desk.clock.move(seconds=1)
    waiting = desk.start("weekly")

    def listed(**query: Any) -> list[str]:
        items = desk.good(desk.client.get("/api/v1/jobs", query_string=query))["items"]
        return [job["id"] for job in items]

    assert listed() == [waiting, done]
    assert listed(status="pending") == [waiting]
    assert listed(status=["pending", "partial"]) == [waiting, done]
    assert listed(deployment="nightly") == [done]
    assert listed(deployment="weekly", status="success") == []
    assert listed(integration="tool") == [waiting, done]
    assert desk.client.get("/api/v1/jobs?status=lost").status_code == 422


@pytest.mark.parametrize("path", ["", "/tasks", "/events"])
def test_an_unknown_job_is_not_found(desk: "Desk", path: str) -> None:
    assert desk.client.get(f"/api/v1/jobs/x{path}").status_code == 404


def test_results_can_be_read_before_the_end(desk: "Desk") -> None:
    job_id = desk.start()
    (lease,) = desk.lease()
    desk.good(desk.send(lease, desk.finished(lease, "check", data={"n": 1})))
    (result,) = desk.good(desk.client.get(f"/api/v1/jobs/{job_id}/tasks"))["items"]
    assert result["data"] == {"n": 1}


def test_a_pending_job_is_cancelled_once_and_an_ended_one_not(desk: "Desk") -> None:
    job_id = desk.start()
    for _ in range(2):
        cancelled = desk.good(desk.client.post(f"/api/v1/jobs/{job_id}/cancel"))
        assert cancelled["status"] == "cancelled"
    assert desk.client.post(f"/api/v1/jobs/{desk.run()}/cancel").status_code == 409


@pytest.mark.parametrize("seconds", ["0", "301", "soon"])
def test_a_wait_is_between_1_and_300_seconds(desk: "Desk", seconds: str) -> None:
    answer = desk.client.get(f"/api/v1/jobs/{desk.start()}?timeout={seconds}")
    assert answer.status_code == 422


def test_a_job_that_has_ended_is_answered_at_once(desk: "Desk", state: State) -> None:
    job_id = desk.run()
    state.wakeups.close()
    job = desk.good(desk.client.get(f"/api/v1/jobs/{job_id}?timeout=300"))
    assert job["status"] == "partial"


def test_a_wait_that_is_over_first_tells_the_job_as_it_is(desk: "Desk") -> None:
    job = desk.good(desk.client.get(f"/api/v1/jobs/{desk.start()}?timeout=1"))
    assert job["status"] == "pending"


def test_every_end_wakes_whoever_waits_for_it(desk: "Desk", state: State) -> None:
    ends = [desk.start()]
    (lease,) = desk.lease()
    ends.append(desk.start())
    waits = {job_id: desk.client.application.test_client() for job_id in ends}
    with ThreadPoolExecutor(2) as pool:
        futures = {
            job_id: pool.submit(client.get, f"/api/v1/jobs/{job_id}?timeout=60")
            for job_id, client in waits.items()
        }
        _until_watched(state, *waits)
        desk.good(desk.send(lease, desk.ended(lease)))
        desk.good(desk.client.post(f"/api/v1/jobs/{ends[1]}/cancel"))
        answers = [futures[job_id].result(30).json for job_id in waits]
    assert [answer and answer["status"] for answer in answers] == ["success", "cancelled"]


def test_too_many_waits_are_refused_and_ended_jobs_still_answered(
    desk: "Desk", state: State
) -> None:
    ended, waiting = desk.run(), desk.start()
    topic = Topic(Kind.END, "another")
    watches = [state.wakeups.start_watch(topic) for _ in range(LIMITS[Kind.END])]
    refused = desk.client.get(f"/api/v1/jobs/{waiting}?timeout=5")
    assert refused.status_code == 503
    assert int(refused.headers["Retry-After"]) > 0
    desk.good(desk.client.get(f"/api/v1/jobs/{ended}?timeout=5"))
    desk.good(desk.client.get(f"/api/v1/jobs/{waiting}"))
    for watch in watches:
        state.wakeups.end_watch(topic, watch)


def _until_watched(state: State, *job_ids: str) -> None:
    topics = {Topic(Kind.END, job_id) for job_id in job_ids}
    end = 2_000
    while not topics <= state.wakeups._watches.keys():
        end -= 1
        assert end, "nobody waits"
        state.wakeups._stop.wait(0.01)
