from datetime import timedelta
from typing import Any

from sqlalchemy import delete, func, select

from api.principal import Principal, Role
from api.sessions import open_session
from api.token_table import sessions, tokens


def test_sessions_go_with_the_row_of_their_token(guarded: Any) -> None:
    token, _ = guarded.issue(Role.VIEWER, "ada")
    lasts = timedelta(hours=1)
    with guarded.database.write() as connection:
        for principal in (Principal("ada", Role.VIEWER, token.id), Principal("b@c", Role.VIEWER)):
            open_session(connection, principal, guarded.clock(), lasts)
        connection.execute(delete(tokens).where(tokens.c.id == token.id))
        assert connection.execute(select(func.count()).select_from(sessions)).scalar() == 1
