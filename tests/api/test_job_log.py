from __future__ import annotations

from typing import TYPE_CHECKING

from structlog.testing import capture_logs

if TYPE_CHECKING:
    from tests.api.desk import Desk

TRACE = "0af7651916cd43dd8448eb211c80319c"
CALLER = {"X-Request-ID": "callers-own", "traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}


def test_the_end_of_a_job_is_logged_under_the_name_of_the_request_that_asked_for_it(
    desk: Desk,
) -> None:
    answer = desk.client.post("/api/v1/deployments/nightly/jobs", headers=CALLER)
    job_id = desk.good(answer)["job_id"]
    (lease,) = desk.lease()
    assert (lease["request_id"], lease["traceparent"]) == ("callers-own", CALLER["traceparent"])
    assert desk.job(job_id)["request_id"] == "callers-own"
    with capture_logs() as logs:
        desk.good(desk.send(lease, desk.ended(lease)))
    (ended,) = [entry for entry in logs if entry["event"] == "job ended"]
    assert (ended["job_id"], ended["status"], ended["attempt"]) == (job_id, "success", 1)
    assert (ended["request_id"], ended["trace_id"]) == ("callers-own", TRACE)


def test_a_lease_that_was_lost_is_logged_with_its_worker(desk: Desk) -> None:
    desk.start()
    desk.lease("w9")
    desk.clock.move(hours=1)
    with capture_logs() as logs:
        desk.good(desk.client.post("/api/v1/ticks", json={"worker": "w2"}))
    (lost,) = [entry for entry in logs if entry["event"] == "lease lost"]
    assert (lost["worker"], lost["integration"]) == ("w9", "tool")


def test_a_trace_header_that_says_nothing_is_left_out(desk: Desk) -> None:
    answer = desk.client.post(
        "/api/v1/deployments/nightly/jobs", headers={"traceparent": "00-x\x1b[31m"}
    )
    desk.good(answer)
    assert desk.lease()[0]["traceparent"] is None
