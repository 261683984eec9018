"""The steps between revisions of the schema, run by Alembic.

Imported where a step is to be made: a database that has the newest schema needs none of it.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

SCRIPTS = Path(__file__).resolve().parent.parent / "migrations"


def upgrade(connection: Connection, target: str = "head") -> None:
    """Run migrations within the transaction of a `schema_change`."""
    command.upgrade(config_of(connection), target)


def downgrade(connection: Connection, target: str) -> None:
    """Undo migrations within the transaction of a `schema_change`."""
    command.downgrade(config_of(connection), target)


def revisions() -> list[str]:
    """Return the revisions that this version knows, the oldest first."""
    return [one.revision for one in ScriptDirectory(str(SCRIPTS)).walk_revisions()][::-1]


def config_of(connection: Connection) -> Config:
    """Return what Alembic's commands ask for, with the connection that they are to use."""
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    return config
