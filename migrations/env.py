"""How Alembic runs a migration: on the connection it is given, all steps in one transaction."""

from alembic import context

from api import webhook_tables, workers_table  # noqa: F401 - their tables are in the metadata
from api.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,  # SQLite too: its transaction is begun by api.database
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
