import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import pytest

from utils.client.api import Trueline
from utils.client.errors import ApiAway, ApiProblem
from utils.client.models import DecisionBody, DeploymentChanges, JobStatus, NewDeployment

if TYPE_CHECKING:
    from tests.served_api import Hand

AT = "2026-03-02T12:00:00Z"
END = {"at": AT, "type": "job_finished", "status": "success", "error": None}
OUTPUT = {"at": AT, "type": "output", "stream": "stdout", "text": "hello"}


def talk(address: str, act: Callable[[Trueline], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        async with Trueline(address) as api:
            return await act(api)

    return asyncio.run(run())


def test_a_deployment_is_made_read_changed_and_deleted(address: str) -> None:
    async def act(api: Trueline) -> None:
        made = await api.create_deployment(NewDeployment(name="a b", integration="tool", config={}))
        read = await api.read_deployment("a b")
        assert read == made
        assert read.etag == made.etag
        changed = await api.change_deployment(
            "a b", DeploymentChanges(enabled=False), if_match=read.etag
        )
        assert (changed.state, changed.name) == ("paused", "a b")
        with pytest.raises(ApiProblem) as refused:
            await api.delete_deployment("a b", if_match=read.etag)
        assert (refused.value.status, refused.value.kind) == (412, "precondition-failed")
        await api.delete_deployment("a b", if_match=changed.etag)
        with pytest.raises(ApiProblem) as gone:
            await api.read_deployment("a b")
        assert gone.value.kind == "not-found"
        assert gone.value.advice
        assert gone.value.request_id

    talk(address, act)


def test_wrong_values_are_told_with_their_places(address: str) -> None:
    async def act(api: Trueline) -> None:
        with pytest.raises(ApiProblem) as refused:
            await api.create_deployment(
                NewDeployment(name="x", integration="tool", config={}, schedule="every 1s")
            )
        (wrong,) = refused.value.errors
        assert wrong.pointer == "/schedule"

    talk(address, act)


def test_lists_are_walked_page_by_page(address: str) -> None:
    async def act(api: Trueline) -> None:
        for number in range(7):
            await api.create_deployment(
                NewDeployment(name=f"n{number}", integration="tool", config={})
            )
        names = [one.name async for one in api.list_deployments_all(page_size=3, sort="name")]
        assert names == [f"n{number}" for number in range(7)]
        jobs = [await api.start_job(name) for name in names]
        found = {one.id async for one in api.list_jobs_all(status=[JobStatus.PENDING], page_size=2)}
        assert found == {one.job_id for one in jobs}

    talk(address, act)


def test_a_creating_request_that_is_sent_twice_acts_once(address: str) -> None:
    async def act(api: Trueline) -> None:
        await api.create_deployment(NewDeployment(name="n", integration="tool", config={}))
        twice = [await api.start_job("n", idempotency_key="mine") for _ in range(2)]
        assert twice[0] == twice[1]
        assert await api.start_job("n") != twice[0]

    talk(address, act)


def test_a_job_is_followed_and_waited_for(address: str, hand: "Hand") -> None:
    async def act(api: Trueline) -> None:
        await api.create_deployment(NewDeployment(name="n", integration="tool", config={}))
        job_id = (await api.start_job("n")).job_id
        waiting = asyncio.create_task(api.wait_for_job(job_id))
        lease = await asyncio.to_thread(hand.lease)
        await asyncio.to_thread(hand.report, lease, {"seq": 1, **OUTPUT})
        seen = []
        async for event in api.follow_job(job_id):
            seen.append(event)
            if event["type"] == "output":
                await asyncio.to_thread(hand.report, lease, {"seq": 2, **END})
        assert [one["type"] for one in seen] == ["output", "job_finished"]
        assert (await waiting).status is JobStatus.SUCCESS
        rest = [one["type"] async for one in api.follow_job(job_id, after=seen[0]["id"])]
        assert rest == ["job_finished"]
        assert [one async for one in api.follow_job(job_id, after=seen[1]["id"])] == []
        with pytest.raises(ApiProblem):
            await api.decide_violation("none", DecisionBody(status="open"))

    talk(address, act)


def test_nobody_there_is_told_so() -> None:
    async def act(api: Trueline) -> None:
        with pytest.raises(ApiAway, match="no API answers"):
            await api.check_live()

    talk("http://127.0.0.1:9", act)
