"""A database that has seen years: jobs with all that belongs to them, and violations, in bulk."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    case,
    cast,
    create_engine,
    func,
    insert,
    literal,
    select,
)

from api.database import Database
from api.jobs import Trigger, create_job
from api.migrate import migrate
from api.tables import Id, UtcDateTime, deployments, events, jobs, task_results, violations

PRAGMAS = ("cache_size=-1000000", "synchronous=OFF", "temp_store=MEMORY")
CHUNK = 50_000
DEPLOYMENTS = 10  # that share the history
SPAN = timedelta(days=365)
_COPIES = Table(  # one row for each job to be made
    "copies",
    MetaData(),
    Column("number", Integer, primary_key=True),
    Column("id", Id),
    Column("deployment_id", Id),
    Column("deployment_name", String(200)),
    Column("at", UtcDateTime),
    prefixes=["TEMPORARY"],
)


@dataclass(frozen=True)
class Deployment:
    """Whose history it is."""

    id: str
    name: str


@dataclass(frozen=True)
class Template:
    """One job that really ran: its rows, by table."""

    rows: dict[Table, list[dict[str, Any]]]

    @property
    def job(self) -> dict[str, Any]:
        """The job's own row."""
        return self.rows[jobs][0]


def open_database(data_dir: Path) -> Database:
    """Open the database of an API with this data directory."""
    return Database(f"sqlite:///{data_dir / 'trueline.db'}")


def read_template(data_dir: Path, job_id: str) -> Template:
    """Read a job and what belongs to it."""
    owner = {jobs: jobs.c.id, events: events.c.job_id, task_results: task_results.c.job_id}
    database = open_database(data_dir)
    with database.read() as connection:
        rows = {
            table: [
                dict(row._mapping)  # noqa: SLF001 - public, in spite of its name
                for row in connection.execute(select(table).where(column == job_id))
            ]
            for table, column in owner.items()
        }
    database.close()
    return Template(rows)


def fill(data_dir: Path, template: Template, number: int) -> None:
    """Give a database, which is made where it is missing, so many ended jobs and violations."""
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    database = open_database(data_dir)
    migrate(database)
    database.close()
    # A plain one, which checks no foreign keys, of the same SQLite.
    engine = create_engine(database.engine.url, module=database.engine.dialect.loaded_dbapi)
    with engine.connect() as connection:
        for pragma in PRAGMAS:
            connection.exec_driver_sql(f"PRAGMA {pragma}")
        _make_deployments(connection, template)
        _plan_copies(connection, number)
        _copy_jobs(connection, template)
        _make_violations(connection, template)
        connection.commit()
    engine.dispose()


def fill_queue(data_dir: Path, deployment_id: str, number: int) -> None:
    """Let so many jobs of a deployment wait for a worker."""
    database = open_database(data_dir)
    with database.write() as connection:
        known = deployments.c.id == deployment_id
        deployment = connection.execute(select(deployments).where(known)).one()
        for _ in range(number):
            create_job(connection, deployment, Trigger.MANUAL, datetime.now(UTC))
    database.close()


def _deployments() -> list[Deployment]:
    return [
        Deployment(f"00000000-0000-4000-8000-{number:012}", f"history-{number}")
        for number in range(DEPLOYMENTS)
    ]


def _make_deployments(connection: Connection, template: Template) -> None:
    now = datetime.now(UTC)
    common = {"integration": template.job["integration"], "config": {}, "timezone": "UTC"}
    stands = {"enabled": True, "state": "active", "created_at": now, "updated_at": now}
    rows = [{"id": it.id, "name": it.name, **common, **stands} for it in _deployments()]
    connection.execute(insert(deployments), rows)


def _plan_copies(connection: Connection, number: int) -> None:
    _COPIES.create(connection)
    rows = _copies(number)
    while chunk := list(islice(rows, CHUNK)):
        connection.execute(insert(_COPIES), chunk)


def _copies(number: int) -> Iterator[dict[str, Any]]:
    """Yield jobs from the oldest to the newest, their deployments by turns."""
    start, pause = datetime.now(UTC) - SPAN, SPAN / (number + 1)
    owners = _deployments()
    for index in range(number):
        owner = owners[index % DEPLOYMENTS]
        yield {
            "number": index,
            "id": str(uuid4()),
            "deployment_id": owner.id,
            "deployment_name": owner.name,
            "at": start + pause * index,
        }


def _copy_jobs(connection: Connection, template: Template) -> None:
    times = dict.fromkeys(("created_at", "started_at", "finished_at", "at"), _COPIES.c.at)
    whose = {name: _COPIES.c[name] for name in ("id", "deployment_id", "deployment_name")}
    turn = _COPIES.c.number // DEPLOYMENTS
    status = case((turn % 10 == 9, "failed"), else_=template.job["status"])
    own = {**whose, **times, "job_id": _COPIES.c.id}
    for table, rows in template.rows.items():
        for row in rows:
            _multiply(connection, table, row, own | ({"status": status} if table is jobs else {}))
            connection.commit()  # SQLite writes ahead: one large transaction takes twice the disk


def _make_violations(connection: Connection, template: Template) -> None:
    """Make a violation for each job; a fifth of them is unresolved, half of that muted."""
    fifth = _COPIES.c.number % 20
    status = case((fifth == 0, "open"), (fifth == 1, "acknowledged"), (fifth < 4, "muted"))
    row = {
        "integration": template.job["integration"],
        "title": "Judge",
        "resource_id": "",
        "message": "the answer is another one",
        "data": {"answer": 41},
        "occurrences": 1,
    }
    severity = {4: "critical", 3: "high", 2: "medium", 1: "low"}
    rank = _COPIES.c.number % 7 % 4 + 1
    own: dict[str, ColumnElement[Any]] = {
        "fingerprint": _COPIES.c.id,
        "task": literal("judge-") + cast(_COPIES.c.number // DEPLOYMENTS, Text),
        "severity": case(severity, value=rank),
        "severity_rank": rank,
        "status": func.coalesce(status, "resolved"),
        "job_id": _COPIES.c.id,
    }
    whose = {name: _COPIES.c[name] for name in ("id", "deployment_id", "deployment_name")}
    times = dict.fromkeys(("first_seen", "last_seen"), _COPIES.c.at)
    _multiply(connection, violations, row, {**whose, **times, **own})


def _multiply(
    connection: Connection,
    table: Table,
    row: Mapping[str, Any],
    instead: Mapping[str, ColumnElement[Any]],
) -> None:
    """Insert one row for each copy: `row`, with other values `instead` of some."""
    columns = [column for column in table.c if column.name in instead or column.name in row]
    values = [
        instead[column.name] if column.name in instead else literal(row[column.name], column.type)
        for column in columns
    ]
    rows = select(*values).order_by(_COPIES.c.id)  # indexes by job are filled from left to right
    connection.execute(insert(table).from_select(columns, rows))
