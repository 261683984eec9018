import asyncio
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from tests.remote import Reply
from utils.client.api import Trueline
from utils.client.errors import ApiAway, ApiProblem
from utils.client.transport import part

if TYPE_CHECKING:
    from tests.remote import Remote

BUSY = Reply.json({"type": "urn:trueline:problem:unavailable"}, 503, Retry_After="0")
LIVE = Reply.json({"status": "ok", "more": "of a later version"})
JOB = Reply.json({"job_id": "j", "status": "pending", "status_url": "/x"}, 202)


def talk(url: str, act: Callable[[Trueline], Any]) -> Any:
    async def run() -> Any:
        async with Trueline(url, token="secret-token") as api:
            return await act(api)

    return asyncio.run(run())


def test_safe_request_is_sent_again(remote: "Remote") -> None:
    remote.replies("/health/live", BUSY, Reply(drop=True), LIVE)
    assert talk(remote.url, lambda api: api.check_live()).status == "ok"
    assert len(remote.got) == 3
    assert remote.got[0].headers["authorization"] == "Bearer secret-token"


def test_creating_request_is_sent_again_with_the_same_key(remote: "Remote") -> None:
    remote.replies("/api/v1/deployments/n/jobs", BUSY, JOB)
    talk(remote.url, lambda api: api.start_job("n"))
    first, second = (it.headers["idempotency-key"] for it in remote.got)
    assert first == second


def test_other_request_is_sent_once(remote: "Remote") -> None:
    remote.replies("/api/v1/jobs/j/cancel", BUSY)
    with pytest.raises(ApiProblem) as error:
        talk(remote.url, lambda api: api.cancel_job("j"))
    assert error.value.status == 503
    assert len(remote.got) == 1


def test_giving_up_tells_the_last_answer(remote: "Remote") -> None:
    remote.replies("/health/live", BUSY)
    with pytest.raises(ApiProblem) as error:
        talk(remote.url, lambda api: api.check_live())
    assert error.value.kind == "unavailable"
    assert len(remote.got) == 4


@pytest.mark.parametrize("body", [b"<html>", b"[]", json.dumps({"status": 1}).encode()])
def test_what_is_no_trueline_is_told_so(remote: "Remote", body: bytes) -> None:
    remote.replies("/health/live", Reply(body=body))
    with pytest.raises(ApiAway, match="not Trueline"):
        talk(remote.url, lambda api: api.check_live())


def test_refusal_that_is_no_problem_has_its_status(remote: "Remote") -> None:
    remote.replies("/health/live", Reply(status=404, body=b"nothing"))
    with pytest.raises(ApiProblem) as error:
        talk(remote.url, lambda api: api.check_live())
    assert (error.value.status, error.value.kind) == (404, "")


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_name_that_would_lead_elsewhere_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no name"):
        part(name)
    assert part("a/b c") == "a%2Fb%20c"
