from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from api.issued_tokens import revoke_token
from api.principal import Principal, Role
from api.sessions import close_session, close_sessions_of, find_session, open_session
from api.token_table import sessions

ADA = Principal("ada@example.com", Role.OPERATOR)
LASTS = timedelta(hours=12)


def opened(guarded: Any, principal: Principal = ADA) -> str:
    with guarded.database.write() as connection:
        return open_session(connection, principal, guarded.clock(), LASTS)


def found(guarded: Any, cookie: str) -> Principal | None:
    with guarded.database.read() as connection:
        session = find_session(connection, cookie, guarded.clock())
    return None if session is None else session.principal


def test_cookie_leads_to_who_logged_in_and_is_not_stored(guarded: Any) -> None:
    cookie = opened(guarded)
    assert found(guarded, cookie) == ADA
    with guarded.database.read() as connection:
        (row,) = connection.execute(select(sessions)).all()
    assert cookie not in str(row)
    assert opened(guarded) != cookie


@pytest.mark.parametrize("cookie", ["", "x", "x" * 5000, "\0", "ä"])
def test_cookie_of_nobody_leads_nowhere(guarded: Any, cookie: str) -> None:
    opened(guarded)
    assert found(guarded, cookie) is None


def test_session_ends_and_its_row_goes_with_the_next_log_in(guarded: Any) -> None:
    cookie = opened(guarded)
    guarded.clock.move(hours=12)
    assert found(guarded, cookie) is None
    opened(guarded)
    with guarded.database.read() as connection:
        assert len(connection.execute(select(sessions)).all()) == 1


def test_log_out_is_real(guarded: Any) -> None:
    cookie = opened(guarded)
    with guarded.database.write() as connection:
        close_session(connection, cookie)
    assert found(guarded, cookie) is None


def test_all_sessions_of_one_person_end_and_no_others(guarded: Any) -> None:
    mine, also_mine = opened(guarded), opened(guarded)
    other = opened(guarded, Principal("bob@example.com", Role.VIEWER))
    with guarded.database.write() as connection:
        assert close_sessions_of(connection, ADA.name) == 2
        assert close_sessions_of(connection, ADA.name) == 0
    assert [found(guarded, cookie) for cookie in (mine, also_mine)] == [None, None]
    assert found(guarded, other)


def test_session_ends_with_the_token_that_began_it(guarded: Any) -> None:
    token, _ = guarded.issue(Role.VIEWER, "ada", days=0.25)
    cookie = opened(guarded, Principal("ada", Role.VIEWER, token.id))
    assert found(guarded, cookie)
    guarded.clock.move(hours=6)
    assert found(guarded, cookie) is None
    token, _ = guarded.issue(Role.VIEWER, "ada")
    cookie = opened(guarded, Principal("ada", Role.VIEWER, token.id))
    with guarded.database.write() as connection:
        revoke_token(connection, token.id, guarded.clock())
    assert found(guarded, cookie) is None
