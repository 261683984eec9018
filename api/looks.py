"""Looks at the source that pushes ask for: counted in the database, done soon, several as one."""

from collections.abc import Callable

import structlog
from sqlalchemy import Connection, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

from api.database import Database
from api.problems import Problem
from api.webhook_tables import looks

_ASKED = update(looks).values(asked=looks.c.asked + 1)
_FIRST_ROW = {
    name: dialect.insert(looks).values(id=1, asked=0, done=0).on_conflict_do_nothing()
    for name, dialect in (("sqlite", sqlite), ("postgresql", postgresql))
}
WAITS = (2.0, 10.0, 30.0, 120.0)  # seconds before another try; then the next push asks again

log = structlog.get_logger()


def ask_look(connection: Connection) -> None:
    """Ask for a look at the source; workers hear of it with their next request for jobs."""
    if connection.execute(_ASKED).rowcount == 0:
        connection.execute(_FIRST_ROW[connection.dialect.name])  # unless somebody else was quicker
        connection.execute(_ASKED)


def looks_asked(connection: Connection) -> int:
    """Return how many looks have been asked for, ever."""
    return connection.execute(select(looks.c.asked)).scalar() or 0


def looks_missing(connection: Connection) -> int | None:
    """Return the number of the look to be done now; None when nobody waits for one."""
    return connection.execute(select(looks.c.asked).where(looks.c.asked > looks.c.done)).scalar()


def record_look(connection: Connection, number: int) -> None:
    """Remember that a look began after it had been asked for `number` times."""
    connection.execute(update(looks).where(looks.c.done < number).values(done=number))


class Looker:
    """Does what is missing: all that was asked for before a look begins is done with it."""

    def __init__(
        self, database: Database, look: Callable[[], object], pause: Callable[[float], bool]
    ) -> None:
        self._database = database
        self._look = look
        self._pause = pause  # waits so many seconds; True: the server stops

    def catch_up(self) -> bool:
        """Look at the source if somebody asked for that; True when it was done."""
        with self._database.read() as connection:
            number = looks_missing(connection)
        if number is None or not self._succeeds():
            return False
        with self._database.write() as connection:
            record_look(connection, number)
        return True

    def _succeeds(self) -> bool:
        """Try a few times; False when the server stops meanwhile. A failure in the end counts."""
        for wait in (*WAITS, None):
            try:
                self._look()
            except Problem as error:
                log.warning("push: no look", reason=error.reason, advice=error.advice)
            except SQLAlchemyError:
                log.warning("push: no look", reason="the database does not answer")
            else:
                return True
            if wait is None:
                return True
            if self._pause(wait):
                return False
        return False
