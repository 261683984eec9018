import pytest
from sqlalchemy import select

from api.audit_table import audit
from api.database import Database
from tests.databases import check_index_is_used, explain


@pytest.mark.parametrize(
    ("column", "index"),
    [(None, "ix_audit_at"), ("principal", "ix_audit_principal"), ("object_id", "ix_audit_object")],
)
def test_lists_are_read_in_the_order_of_an_index(
    database: Database, column: str | None, index: str
) -> None:
    statement = select(audit).order_by(audit.c.at.desc(), audit.c.id.desc())
    if column is not None:
        statement = statement.where(audit.c[column] == "x")
    with database.read() as connection:
        sql = statement.limit(50).compile(connection, compile_kwargs={"literal_binds": True})
        plan = explain(connection, str(sql))
    assert index in plan
    check_index_is_used(plan.replace("SCAN audit USING", "SEARCH audit USING"))
