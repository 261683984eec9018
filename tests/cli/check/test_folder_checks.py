from collections.abc import Callable

import pytest

from cli.check.checking import check_repository
from cli.reading.repository import Repository

MakeRepository = Callable[..., Repository]


def rules_of(repository: Repository) -> list[str]:
    found = [finding.rule.id for finding in check_repository(repository)]
    return [rule for rule in found if rule != "page-stale"]


@pytest.mark.parametrize("target", ["/etc/passwd", "../../../../elsewhere.py", "gone.py"])
def test_links_out_of_the_repository_are_errors(
    target: str, make_repository: MakeRepository
) -> None:
    repository = make_repository()
    (repository.root.parent / "elsewhere.py").write_text("")
    (repository.root / "integrations/shop/link.py").symlink_to(target)
    assert rules_of(repository) == ["link-outside"]


def test_links_within_the_repository_are_fine(make_repository: MakeRepository) -> None:
    repository = make_repository()
    (repository.root / "integrations/shop/link.py").symlink_to("collectors/goods.py")
    assert rules_of(repository) == []


def test_a_folder_that_is_nested_without_end_is_read_to_a_bound(
    make_repository: MakeRepository,
) -> None:
    repository = make_repository()
    folder = repository.root / "integrations/shop"
    for _ in range(60):
        folder /= "d"
    folder.mkdir(parents=True)
    (folder / "x.py").write_text("def broken(:\n")
    assert rules_of(repository) == []
