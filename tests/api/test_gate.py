from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import delete, update

from api.gate import MOST_VERIFIED, Gate, RefusedToken
from api.issued_tokens import find_token, revoke_token
from api.principal import Principal, Role
from api.problems import Unauthorized
from api.token_table import sessions, tokens


@pytest.fixture
def gate(guarded: Any) -> Gate:
    return Gate(guarded.keys, guarded.database, guarded.clock)


def at_once(act: Callable[[], None]) -> None:
    act()


def never(_act: Callable[[], None]) -> None:
    pass


def test_bearer_of_an_issued_token_is_who_it_says(guarded: Any, gate: Gate) -> None:
    token, text = guarded.issue(Role.OPERATOR, "ci")
    assert gate.admit(text, never) == Principal("ci", Role.OPERATOR, token.id)


def test_revocation_counts_at_the_next_request_in_every_process(guarded: Any, gate: Gate) -> None:
    other = Gate(guarded.keys, guarded.database, guarded.clock)
    token, text = guarded.issue(Role.OPERATOR)
    for one in (gate, other):
        one.admit(text, never)
    with guarded.database.write() as connection:
        revoke_token(connection, token.id, guarded.clock())
    for one in (gate, other):
        with pytest.raises(RefusedToken, match="revoked") as refused:
            one.admit(text, never)
        assert refused.value.principal.token_id == token.id


def test_token_that_was_verified_before_expires_all_the_same(guarded: Any, gate: Gate) -> None:
    _, text = guarded.issue(Role.OPERATOR, days=1)
    gate.admit(text, never)
    guarded.clock.move(days=1, seconds=20)
    with pytest.raises(Unauthorized, match="expired"):
        gate.admit(text, never)


def test_well_signed_token_that_was_never_issued_is_refused(guarded: Any, gate: Gate) -> None:
    _, text = guarded.issue(Role.ADMIN)
    with guarded.database.write() as connection:
        connection.execute(delete(tokens))
    with pytest.raises(RefusedToken, match="not among those"):
        gate.admit(text, never)


@pytest.mark.parametrize("change", [{"role": "viewer"}, {"name": "other"}])
def test_token_that_differs_from_its_row_is_refused(
    guarded: Any, gate: Gate, change: dict[str, str]
) -> None:
    _, text = guarded.issue(Role.ADMIN)
    with guarded.database.write() as connection:
        connection.execute(update(tokens).values(change))
    with pytest.raises(RefusedToken, match="not among those"):
        gate.admit(text, never)


def test_use_is_noted_once_the_request_is_answered(guarded: Any, gate: Gate) -> None:
    token, text = guarded.issue(Role.VIEWER)
    later: list[Callable[[], None]] = []
    gate.admit(text, later.append)
    with guarded.database.read() as connection:
        found = find_token(connection, token.id)
        assert found is not None
        assert found.last_used_at is None
    later.pop()()
    gate.admit(text, later.append)
    assert later == []


def test_database_that_is_away_does_not_spoil_an_answer_that_was_given(
    guarded: Any, gate: Gate
) -> None:
    _, text = guarded.issue(Role.VIEWER)
    later: list[Callable[[], None]] = []
    gate.admit(text, later.append)
    with guarded.database.write() as connection:
        sessions.drop(connection)
        tokens.drop(connection)
    later.pop()()


def test_what_is_remembered_is_bounded_and_no_token(
    guarded: Any, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.gate.MOST_VERIFIED", 3)
    written = [guarded.issue(Role.VIEWER)[1] for _ in range(5)]
    for text in written:
        gate.admit(text, never)
    assert len(gate._verified) == 3
    assert not set(gate._verified) & {text.encode() for text in written}
    assert MOST_VERIFIED == 4096
