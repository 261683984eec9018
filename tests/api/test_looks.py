from collections.abc import Callable

from api.database import Database
from api.looks import WAITS, Looker, ask_look, looks_asked, looks_missing
from api.problems import BadGateway


class Source:
    """Counts the looks at it; the first ones may fail."""

    def __init__(self, failures: int = 0, meanwhile: Callable[[], None] = lambda: None) -> None:
        self.looks = 0
        self._failures = failures
        self._meanwhile = meanwhile

    def look(self) -> None:
        self.looks += 1
        self._meanwhile()
        if self.looks <= self._failures:
            raise BadGateway("the source is away", "wait")


def ask(database: Database, times: int = 1) -> None:
    for _ in range(times):
        with database.write() as connection:
            ask_look(connection)


def missing(database: Database) -> int | None:
    with database.read() as connection:
        return looks_missing(connection)


def test_burst_is_one_look(database: Database) -> None:
    source = Source()
    looker = Looker(database, source.look, lambda _: False)
    assert not looker.catch_up()
    ask(database, 50)
    assert looker.catch_up()
    assert not looker.catch_up()
    assert source.looks == 1
    with database.read() as connection:
        assert looks_asked(connection) == 50


def test_what_is_asked_during_a_look_is_another_one(database: Database) -> None:
    source = Source(meanwhile=lambda: ask(database) if source.looks == 1 else None)
    looker = Looker(database, source.look, lambda _: False)
    ask(database)
    assert looker.catch_up()
    assert looker.catch_up()
    assert not looker.catch_up()
    assert source.looks == 2


def test_source_that_is_away_is_tried_a_few_times(database: Database) -> None:
    waits: list[float] = []
    source = Source(failures=2)
    ask(database)

    def note(seconds: float) -> bool:
        waits.append(seconds)
        return False

    looker = Looker(database, source.look, note)
    assert looker.catch_up()
    assert (source.looks, waits) == (3, list(WAITS[:2]))
    gone = Source(failures=99)
    ask(database)
    assert Looker(database, gone.look, lambda _: False).catch_up()
    assert gone.looks == len(WAITS) + 1
    assert missing(database) is None


def test_look_that_the_end_of_the_server_broke_off_is_done_by_the_next_one(
    database: Database,
) -> None:
    ask(database)
    assert not Looker(database, Source(failures=1).look, lambda _: True).catch_up()
    assert missing(database) == 1
    assert Looker(database, Source().look, lambda _: False).catch_up()
    assert missing(database) is None
