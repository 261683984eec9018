import pytest
from sqlalchemy import select, text

from api.audit_table import audit
from api.database import Database


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
        sql = statement.compile(connection, compile_kwargs={"literal_binds": True})
        plan = str(connection.execute(text(f"EXPLAIN QUERY PLAN {sql}")).all())
    assert index in plan
    assert "TEMP B-TREE" not in plan
