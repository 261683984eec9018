import json
import shutil
from pathlib import Path

import pytest

from cli.inventory import State, integrations_of
from cli.reading.repository import Repository
from utils import __version__
from utils.quality import Quality, folder_digest, quality_text
from utils.tiers import Tier

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    for name in ("fine", "off", "wrong", "spare"):
        home = tmp_path / "integrations" / name
        shutil.copytree(REPOSITORY / "integrations/hello_world", home)
        for file in home.rglob("*.py"):
            file.write_text(file.read_text().replace("hello_world", name))
    (tmp_path / "integrations/wrong/entry.py").write_text("def broken(:\n")
    entries = [
        {"name": "wrong", "title": "Wrong"},
        {"name": "fine", "title": "Fine"},
        {"name": "off", "title": "Off", "enabled": False},
        {"name": "gone", "title": "Gone"},
        {"title": "nameless"},
    ]
    (tmp_path / "integrations.json").write_text(json.dumps(entries, indent=1))
    return Repository(tmp_path)


def test_each_has_its_state_in_the_order_of_the_manifest(repository: Repository) -> None:
    assert [(one.name, one.state) for one in integrations_of(repository)] == [
        ("wrong", State.BROKEN),
        ("fine", State.ENABLED),
        ("off", State.DISABLED),
        ("gone", State.BROKEN),
        ("spare", State.UNLISTED),
    ]


def test_tasks_stand_in_the_order_of_a_run(repository: Repository) -> None:
    fine = next(one for one in integrations_of(repository) if one.name == "fine")
    assert [task.name for task in fine.tasks] == [
        "list_items",
        "items_are_greeted",
        "stock_is_enough",
    ]
    assert (fine.count("collector"), fine.count("insight")) == (1, 2)


def test_a_tier_is_shown_while_it_is_of_these_files(repository: Repository) -> None:
    folder = repository.root / "integrations/fine"
    quality = Quality(Tier.GOLD, folder_digest(folder), {}, {}, __version__, is_fresh=True)
    (folder / "quality.json").write_text(quality_text(quality))
    tiers = {one.name: one.tier for one in integrations_of(repository)}
    assert (tiers["fine"], tiers["off"]) == ("gold", None)
    (folder / "more.py").write_text("")
    assert {one.name: one.tier for one in integrations_of(repository)}["fine"] is None
