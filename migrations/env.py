"""How Alembic runs a migration: on the connection it is given, all steps in one transaction."""

from alembic import context

from api.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,  # SQLite too: its transaction is begun by api.database
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
