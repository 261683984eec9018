import shutil
from pathlib import Path

import pytest

from cli.checked import checked_integration
from cli.quality_facts import Checked

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(REPOSITORY / "integrations", tmp_path / "integrations", ignore=ignored)
    shutil.copytree(REPOSITORY / "docs/integrations", tmp_path / "docs/integrations")
    shutil.copy(REPOSITORY / "integrations.json", tmp_path)
    return tmp_path


def test_an_integration_in_order_has_nothing_against_it(checkout: Path) -> None:
    assert checked_integration(checkout, "hello_world") == Checked(0, 0, 0, is_page_fresh=True)


def test_what_is_found_is_counted(checkout: Path) -> None:
    folder = checkout / "integrations/hello_world"
    (folder / "more.py").write_text('KEY = "-----BEGIN ' + 'PRIVATE KEY-----"\nimport redis\n')
    (checkout / "docs/integrations/hello_world.md").unlink()
    assert checked_integration(checkout, "hello_world") == Checked(1, 2, 1, is_page_fresh=False)


def test_that_its_quality_is_stale_does_not_count(checkout: Path) -> None:
    (checkout / "integrations/hello_world/quality.json").write_text("{}")
    assert checked_integration(checkout, "hello_world") == Checked(0, 0, 0, is_page_fresh=True)
