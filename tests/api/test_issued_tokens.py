from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from api.issued_tokens import (
    USED_STEP,
    Wanted,
    find_token,
    is_use_due,
    issue_token,
    note_use,
    revoke_token,
)
from api.principal import RESERVED, Role
from api.problems import NotFound, Unprocessable
from api.tokens import verify


def test_token_is_recorded_but_kept_nowhere(guarded: Any) -> None:
    token, written = guarded.issue(Role.OPERATOR, "ci", days=2)
    assert verify(guarded.keys, written, guarded.clock()).id == token.id
    with guarded.database.read() as connection:
        assert find_token(connection, token.id) == token
        row = connection.execute(text("SELECT * FROM tokens")).one()
    assert token.expires_at - token.created_at == timedelta(days=2)
    assert (token.name, token.role, token.created_by) == ("ci", Role.OPERATOR, "test")
    for part in written.split("."):
        assert part not in str(row)


def test_revoking_again_keeps_the_first_time(guarded: Any) -> None:
    token, _ = guarded.issue(Role.VIEWER)
    first = guarded.clock.move(minutes=1)
    with guarded.database.write() as connection:
        assert revoke_token(connection, token.id, first).revoked_at == first
        assert revoke_token(connection, token.id, first + timedelta(1)).revoked_at == first
        with pytest.raises(NotFound, match="no token 'x'"):
            revoke_token(connection, "x", first)


def test_use_is_written_down_by_the_hour(guarded: Any) -> None:
    token, _ = guarded.issue(Role.VIEWER)
    now = guarded.clock()
    assert is_use_due(token, now)
    with guarded.database.write() as connection:
        note_use(connection, token.id, now)
        used = find_token(connection, token.id)
    assert used is not None
    assert used.last_used_at == now
    assert not is_use_due(used, now + USED_STEP - timedelta(seconds=1))
    assert is_use_due(used, now + USED_STEP)


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_name_that_means_nobody_is_refused(guarded: Any, name: str) -> None:
    wanted = Wanted(name, Role.ADMIN, timedelta(1), "test")
    with (
        guarded.database.write() as connection,
        pytest.raises(Unprocessable, match="somebody without a token"),
    ):
        issue_token(connection, guarded.keys, wanted, guarded.clock())
