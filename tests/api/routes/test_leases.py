from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from sqlalchemy import insert, select, update

from api.database import Database
from api.principal import Role
from api.state import State
from api.tables import integrations, jobs
from api.wakeups import LIMITS, WORK, Kind
from utils import __version__

if TYPE_CHECKING:
    from tests.api.conftest import Guarded
    from tests.api.desk import Desk
    from tests.api.served import Served

WANTED = {"worker": "w1", "slots": 2, "wait_seconds": 0, "version": __version__}


def ask(desk: "Desk", **changes: Any) -> Any:
    client = desk.client.application.test_client()
    return client.post("/api/v1/leases", json=WANTED | changes)


def test_a_lease_says_all_that_a_worker_needs(desk: "Desk", state: State) -> None:
    job_id = desk.start()
    (lease,) = ask(desk).json["leases"]
    assert len(lease.pop("token")) >= 32
    assert lease.pop("request_id") == desk.job(job_id)["request_id"]
    assert lease.pop("deployment_id") == desk.job(job_id)["deployment_id"]
    assert lease == {
        "job_id": job_id,
        "attempt": 1,
        "kind": "scan",
        "lease_seconds": state.settings.lease_seconds,
        "deployment_name": "nightly",
        "integration": "tool",
        "config": {},
        "secrets": [],
        "references": [],
        "commit_wanted": None,
        "traceparent": None,
    }
    job = desk.job(job_id)
    assert (job["status"], job["worker"]) == ("running", "w1")


def test_a_lease_names_the_commit_that_init_has_read_whatever_workers_report(
    desk: "Desk", database: Database
) -> None:
    with database.write() as connection:
        connection.execute(update(integrations).values(registered_commit="a" * 40, commit="b" * 40))
    desk.start()
    (lease,) = ask(desk).json["leases"]
    assert lease["commit_wanted"] == "a" * 40


@pytest.mark.parametrize("version", ["0.0.9", "9.1.0", "x", ""])
def test_a_worker_of_another_version_gets_no_jobs_but_advice(desk: "Desk", version: str) -> None:
    desk.start()
    refused = ask(desk, version=version)
    assert refused.status_code == 409
    assert __version__ in refused.json["detail"]
    assert refused.json["advice"]
    major, minor, *_ = __version__.split(".")
    assert len(ask(desk, version=f"{major}.{minor}.999").json["leases"]) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"slots": 0},
        {"wait_seconds": 31},
        {"worker": ""},
        {"worker": "a\0"},
        {"colour": "red"},
        {"version": None},
    ],
)
def test_a_request_without_sense_is_refused(desk: "Desk", change: dict[str, Any]) -> None:
    assert ask(desk, **change).status_code == 422


def test_a_worker_that_waits_gets_a_new_job_at_once(desk: "Desk", state: State) -> None:
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(ask, desk, wait_seconds=30)
        _until_watched(state)
        job_id = desk.start()
        assert [lease["job_id"] for lease in waiting.result(25).json["leases"]] == [job_id]


def test_a_worker_that_waits_gets_a_job_that_another_gave_back(desk: "Desk", state: State) -> None:
    job_id = desk.start()
    (lease,) = desk.lease()
    named = {name: lease[name] for name in ("job_id", "attempt", "token")}
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(ask, desk, worker="w2", wait_seconds=30)
        _until_watched(state)
        body = {"worker": "w1", "leases": [named]}
        released = desk.good(desk.client.post("/api/v1/leases/release", json=body))
        assert released == {"released": [job_id]}
        assert waiting.result(25).json["leases"][0]["attempt"] == 2


def test_a_wait_for_work_ends_with_nothing(desk: "Desk") -> None:
    assert ask(desk, wait_seconds=0.01).json == {"leases": [], "looks_asked": 0}


def test_too_many_waiting_workers_are_told_when_to_come_again(desk: "Desk", state: State) -> None:
    watches = [state.wakeups.start_watch(WORK) for _ in range(LIMITS[Kind.WORK])]
    refused = ask(desk, wait_seconds=1)
    assert (refused.status_code, "Retry-After" in refused.headers) == (503, True)
    assert ask(desk).json == {"leases": [], "looks_asked": 0}
    for watch in watches:
        state.wakeups.end_watch(WORK, watch)


def test_renewing_tells_what_goes_on_what_is_lost_and_what_to_end(desk: "Desk") -> None:
    for _ in range(3):
        desk.start()
    kept, cancelled, lost = desk.lease(slots=3)
    desk.good(desk.client.post(f"/api/v1/jobs/{cancelled['job_id']}/cancel"))
    names = ("job_id", "attempt", "token")
    held = [{name: lease[name] for name in names} for lease in (kept, cancelled, lost)]
    held[2]["attempt"] = 7
    body = {"worker": "w1", "leases": held}
    renewal = desk.good(desk.client.post("/api/v1/leases/renew", json=body))
    assert sorted(renewal["renewed"]) == sorted([kept["job_id"], cancelled["job_id"]])
    assert renewal["lost"] == [lost["job_id"]]
    assert renewal["cancelled"] == [cancelled["job_id"]]


def test_claimers_at_two_servers_get_each_of_500_jobs_once(
    desk: "Desk", database: Database, two_servers: list[str]
) -> None:
    row = desk.job(desk.start())
    with database.write() as connection:
        pattern = connection.execute(select(jobs).where(jobs.c.id == row["id"])).one()._asdict()
        connection.execute(insert(jobs), [pattern | {"id": f"j{n}"} for n in range(499)])

    def claim_all(number: int) -> list[str]:
        mine: list[str] = []
        with httpx2.Client(base_url=two_servers[number % 2], timeout=60, verify=False) as http:
            while True:
                answer = http.post(
                    "/api/v1/leases", json=WANTED | {"worker": f"w{number}", "slots": 5}
                )
                if answer.status_code == 503:  # the database is busy: ask again
                    continue
                assert answer.status_code == 200, answer.text
                leases = answer.json()["leases"]
                if not leases:
                    return mine
                mine += [lease["job_id"] for lease in leases]

    with ThreadPoolExecutor(20) as pool:
        shares = list(pool.map(claim_all, range(20)))
    claimed = [job_id for share in shares for job_id in share]
    assert len(claimed) == len(set(claimed)) == 500


@pytest.mark.usefixtures("desk")
def test_what_ends_at_one_server_is_noticed_at_another(two_servers: list[str]) -> None:
    here, there = (httpx2.Client(base_url=url, timeout=60, verify=False) for url in two_servers)
    with here, there, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(here.post, "/api/v1/leases", json=WANTED | {"wait_seconds": 30})
        job_id = there.post("/api/v1/deployments/nightly/jobs").json()["job_id"]
        assert waiting.result(25).json()["leases"][0]["job_id"] == job_id
        end = pool.submit(here.get, f"/api/v1/jobs/{job_id}?timeout=30")
        there.post(f"/api/v1/jobs/{job_id}/cancel")
        lease = waiting.result(0).json()["leases"][0]
        named = {name: lease[name] for name in ("job_id", "attempt", "token")}
        there.post("/api/v1/leases/release", json={"worker": "w1", "leases": [named]})
        assert end.result(25).json()["status"] == "cancelled"


@pytest.fixture
def two_servers(start_server: Callable[..., "Served"]) -> list[str]:
    """Start two servers on one database."""
    urls = []
    for _ in range(2):
        served = start_server()
        urls.append(served.url)
        (served.data_dir / "api.address").unlink()
    return urls


def _until_watched(state: State) -> None:
    for _ in range(2_000):
        if WORK in state.wakeups._watches:
            return
        state.wakeups._stop.wait(0.01)
    pytest.fail("nobody waits")


def as_worker(desk: "Desk", guarded: "Guarded", name: str) -> "Desk":
    return replace(desk, client=guarded.client(Role.WORKER, name), seqs={})


def test_lease_belongs_to_whose_token_took_it(desk: "Desk", guarded: "Guarded") -> None:
    job_id = desk.start()
    owner, rogue = as_worker(desk, guarded, "w1"), as_worker(desk, guarded, "w2")
    (lease,) = owner.lease("w1")
    held = [{name: lease[name] for name in ("job_id", "attempt", "token")}]
    named = {"worker": "w1", "leases": held}
    for act, done in (("renew", "renewed"), ("release", "released")):
        answer = rogue.client.post(f"/api/v1/leases/{act}", json=named)
        assert rogue.good(answer)[done] == []
    assert rogue.send(lease, rogue.started(lease)).status_code == 409
    chunk = f"/api/v1/jobs/{job_id}/data/{'0' * 64}?attempt=1&start=0"
    headers = {"X-Trueline-Lease": lease["token"]}
    assert rogue.client.put(chunk, data=b"x", headers=headers).status_code == 409
    renewed = as_worker(desk, guarded, "w1")  # with another token of the same name
    answer = renewed.client.post("/api/v1/leases/renew", json=named)
    assert renewed.good(answer)["renewed"] == [job_id]
    assert renewed.send(lease, renewed.started(lease), renewed.ended(lease)).status_code == 200
    assert desk.job(job_id)["status"] == "success"


def test_lease_from_before_a_key_was_set_is_finished(desk: "Desk", guarded: "Guarded") -> None:
    desk.start()
    (lease,) = desk.lease()
    worker = as_worker(desk, guarded, "w1")
    assert worker.send(lease, worker.started(lease), worker.ended(lease)).status_code == 200


def test_others_do_not_see_whose_a_lease_is(desk: "Desk", guarded: "Guarded") -> None:
    job_id = desk.start()
    (lease,) = as_worker(desk, guarded, "w1").lease()
    shown = desk.client.get(f"/api/v1/jobs/{job_id}")
    assert lease["token"] not in shown.text
    assert not {"lease_token", "lease_owner"} & set(desk.good(shown))
