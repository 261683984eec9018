from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import insert, make_url, select, text
from sqlalchemy.exc import OperationalError

from api.database import Database
from api.postgresql_engine import postgresql_engine
from api.tables import sources
from tests.postgres import PostgreSQL
from utils.settings import Settings

if TYPE_CHECKING:
    from tests.api.desk import Desk
    from tests.conftest import Eventually

pytestmark = pytest.mark.only_on("postgresql")
NOON = datetime(2026, 3, 29, 12, tzinfo=UTC)


@pytest.fixture
def hasty(settings: Settings, database: Database) -> Iterator[Database]:
    assert database.kind == "postgresql"
    other = Database(settings.database, busy_timeout_ms=50)
    yield other
    other.close()


@pytest.mark.parametrize("name", ["postgresql", "postgres", "postgresql+psycopg"])
def test_url_may_be_written_as_operators_do(settings: Settings, name: str) -> None:
    rest = settings.database_url.partition("://")[2]
    database = Database(f"{name}://{rest}")
    with database.read() as connection:
        assert connection.execute(text("SELECT 1")).scalar_one() == 1
    assert database.engine.dialect.driver == "psycopg"
    database.close()


def test_connections_have_a_name_and_an_end_to_each_wait(database: Database) -> None:
    def setting(name: str) -> str:
        with database.read() as connection:
            return str(connection.exec_driver_sql(f"SHOW {name}").scalar_one())

    assert setting("application_name") == "trueline"
    for name in ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout"):
        assert setting(name) not in {"0", "0ms"}


def test_what_the_url_says_goes_first(settings: Settings) -> None:
    url = make_url(settings.database_url).update_query_dict({"application_name": "mine"})
    engine = postgresql_engine(url, 1000)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SHOW application_name").scalar_one() == "mine"
    engine.dispose()


def test_times_are_the_same_wherever_the_server_stands(
    database: Database, postgresql: PostgreSQL
) -> None:
    name = database.engine.url.database
    postgresql.run(f"ALTER DATABASE {name} SET timezone TO 'Pacific/Kiritimati'")
    database.close()
    row = {"url": "u", "ref": "r", "state": "ok", "checked_at": NOON}
    with database.write() as connection:
        connection.execute(insert(sources), [row])
        found = connection.execute(select(sources.c.checked_at)).scalar_one()
        assert (found, found.tzinfo) == (NOON, UTC)
        assert connection.exec_driver_sql("SHOW timezone").scalar_one() == "UTC"


def test_a_lock_is_not_waited_for_without_end(database: Database, hasty: Database) -> None:
    with database.write() as connection:
        connection.exec_driver_sql("LOCK TABLE sources IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(OperationalError, match="lock timeout"), hasty.read() as other:
            other.execute(select(sources))


def test_request_that_a_deadlock_ends_is_503_and_goes_well_the_next_time(
    desk: "Desk", settings: Settings, eventually: "Eventually"
) -> None:
    """Two that lock two rows the other way round: one goes on, the other may try again."""
    for _ in range(2):
        desk.start()
    leases = sorted(desk.lease(slots=2), key=lambda it: str(it["job_id"]))
    first, second = (lease["job_id"] for lease in leases)
    named = [{name: lease[name] for name in ("job_id", "attempt", "token")} for lease in leases]
    body = {"worker": "w1", "leases": named}
    lock = text("SELECT id FROM jobs WHERE id = :id FOR UPDATE")
    other, client = Database(settings.database), desk.client.application.test_client()

    def is_waiting() -> bool:
        asked = (
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        with other.read() as connection:
            return bool(connection.exec_driver_sql(asked).scalar_one() == 1)

    with ThreadPoolExecutor(1) as pool, other.write() as connection:
        connection.execute(text("SET LOCAL deadlock_timeout TO '60s'"))  # not this one, then
        connection.execute(lock, {"id": second})
        asked = pool.submit(client.post, "/api/v1/leases/renew", json=body)
        eventually(is_waiting)
        connection.execute(lock, {"id": first})
        answer = asked.result(20)
    other.close()
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert answer.json is not None
    assert answer.json["type"] == "urn:trueline:problem:unavailable"
    assert len(desk.good(desk.client.post("/api/v1/leases/renew", json=body))["renewed"]) == 2


def test_pool_outlives_a_server_that_is_killed() -> None:
    server = PostgreSQL()
    database = Database(server.url(server.create()))
    try:
        with database.read() as connection:
            connection.execute(text("SELECT 1"))
        server.kill()
        with pytest.raises(OperationalError), database.read() as connection:
            connection.execute(text("SELECT 1"))
        server.start()
        with database.read() as connection:
            assert connection.execute(text("SELECT 2")).scalar_one() == 2
    finally:
        database.close()
        server.close()


def test_password_is_in_no_message(settings: Settings, capfd: pytest.CaptureFixture[str]) -> None:
    url = make_url(settings.database_url).set(password="canary", database="nowhere")
    database = Database(url.render_as_string(hide_password=False))
    with pytest.raises(OperationalError) as error, database.read():
        pass
    told = f"{error.value!r} {error.value} {error.value.orig} {database.engine!r}"
    assert "canary" not in told + "".join(capfd.readouterr())
    database.close()
