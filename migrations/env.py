"""How Alembic runs a migration: on the connection it is given, all steps in one transaction."""

from alembic import context

from api import retention_table, workers_table
from api.tables import metadata

TABLES_ELSEWHERE = (retention_table, workers_table)  # the import adds them to the metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,  # SQLite too: its transaction is begun by api.database
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
