from typing import TYPE_CHECKING, Any

import pytest

from api.database import Database
from api.leases import Held
from api.problems import Conflict, NotFound, TooLarge
from api.uploads import receive_chunk

if TYPE_CHECKING:
    from tests.api.desk import Desk

SHA = "a" * 64
LIMIT = 1024 * 1024


@pytest.fixture
def lease(desk: "Desk") -> dict[str, Any]:
    desk.start()
    (lease,) = desk.lease()
    return lease


def held(lease: dict[str, Any], **changes: Any) -> Held:
    named = {name: lease[name] for name in ("job_id", "attempt", "token")}
    return Held(**(named | changes))


def test_only_the_next_chunk_is_stored(database: Database, lease: dict[str, Any]) -> None:
    def send(start: int, content: bytes) -> int:
        return receive_chunk(database, held(lease), SHA, start, content, LIMIT)

    assert send(0, b"") == 0
    assert send(5, b"too early") == 0
    assert send(0, b"12345") == 5
    assert send(0, b"again") == 5
    assert send(5, b"678") == 8


@pytest.mark.parametrize("changes", [{"token": "guess"}, {"attempt": 2}])
def test_another_lease_is_refused(
    database: Database, lease: dict[str, Any], changes: dict[str, Any]
) -> None:
    with pytest.raises(Conflict, match="no longer leased"):
        receive_chunk(database, held(lease, **changes), SHA, 0, b"x", LIMIT)
    with pytest.raises(NotFound):
        receive_chunk(database, held(lease, job_id="none"), SHA, 0, b"x", LIMIT)


def test_more_than_a_result_may_take_is_refused(database: Database, lease: dict[str, Any]) -> None:
    assert receive_chunk(database, held(lease), SHA, 0, b"x" * 60_000, 1024) == 60_000
    with pytest.raises(TooLarge, match="TRUELINE_RESULT_LIMIT_BYTES"):
        receive_chunk(database, held(lease), SHA, 60_000, b"x" * 60_000, 1024)


def test_a_job_that_has_ended_takes_nothing_and_says_what_it_has(
    desk: "Desk", database: Database, lease: dict[str, Any]
) -> None:
    desk.good(desk.send(lease, desk.started(lease), desk.ended(lease, "partial")))
    assert receive_chunk(database, held(lease), SHA, 0, b"x", LIMIT) == 0
