from collections.abc import Callable
from pathlib import Path

from cli.pages.last_change import UNKNOWN, last_change
from cli.reading.repository import Repository

Commit = Callable[[Path, str], None]


def test_it_is_the_day_of_the_last_commit_that_touched_the_folder(
    repository: Repository, commit: Commit
) -> None:
    (repository.root / "README.md").write_text("more")
    commit(repository.root, "2026-05-06T12:00:00Z")
    assert last_change(repository.root, "integrations/shop") == "2026-03-04"
    (repository.root / "integrations/shop/more.py").write_text("")
    commit(repository.root, "2026-07-08T12:00:00Z")
    assert last_change(repository.root, "integrations/shop") == "2026-07-08"


def test_without_a_commit_it_says_so(tmp_path: Path, repository: Repository) -> None:
    assert last_change(repository.root, "integrations/new") == UNKNOWN
    assert last_change(tmp_path / "nowhere", "integrations/new") == UNKNOWN
