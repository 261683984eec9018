from pathlib import Path

from api.database import Database
from api.migrate import newest_revision, revision, schema_change
from api.migration_steps import SCRIPTS, downgrade, revisions, upgrade


def test_revisions_are_those_of_the_files_the_oldest_first() -> None:
    files = sorted(path.name.partition("_")[0] for path in (SCRIPTS / "versions").glob("0*.py"))
    assert revisions() == files
    assert newest_revision() == files[-1]


def test_a_step_goes_forward_and_back(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'trueline.db'}")
    found = []
    for step, target in ((upgrade, "0002"), (downgrade, "0001"), (upgrade, "head")):
        with schema_change(database) as connection:
            step(connection, target)
            found.append(revision(connection))
    database.close()
    assert found == ["0002", "0001", newest_revision()]
