"""An integration with one of everything that a page tells, in a Git repository."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cli.reading.repository import Repository

ENTRY: dict[str, Any] = {
    "name": "shop",
    "title": "Shop",
    "description": "Watches a shop.",
    "hosts": ["api.shop.example"],
    "schema": {
        "type": "object",
        "required": ["url", "token"],
        "properties": {
            "url": {"type": "string", "description": "Where | it is", "examples": ["https://s"]},
            "token": {"type": "string", "format": "password", "description": "Of a reader"},
            "days": {"type": "integer", "description": "Days kept", "default": 3, "minimum": 1},
            "zones": {
                "type": "array",
                "description": "All zones",
                "items": {
                    "type": "object",
                    "required": ["name"],
                    "properties": {"name": {"type": "string", "description": "Of the zone"}},
                },
            },
        },
    },
}
FILES = {
    "entry.py": '''\
from utils.base_runner import BaseRunner


class Runner(BaseRunner):
    parallel_tasks = 4

    class StageOne(BaseRunner.StageOne):
        def start(self):
            """Log in.

            Twice.
            """
            return {}
''',
    "collectors/goods.py": """\
from utils.decorators import task
from utils.http import LinkPages


@task(name="goods", title="Goods", description="Reads | all goods")
def goods(self, ctx):
    found = list(ctx.http("https://s").items("/goods", LinkPages()))
    return {"data": {"goods": found, "total": len(found)}}
""",
    "insights/priced.py": '''\
from utils.decorators import task


@task(name="priced", title="All are priced", type="insight", severity="high",
      depends_on=("goods",))
def priced(self, ctx):
    """Goods without a <price> are for nothing."""
    return {"data": {}}
''',
    "models.py": '''\
from dataclasses import dataclass

from pydantic import BaseModel, Field


class Good(BaseModel):
    """One good."""

    name: str
    price: float | None = Field(None, description="In euro")
    _hidden: int = 0


@dataclass
class Zone:
    name: str = "home"
''',
    "inner.py": "from dataclasses import dataclass\n\n\n@dataclass\nclass Inner:\n    a: int\n",
    "requirements.txt": "# none\nboto3==1.40.2  # for S3\n",
}


Commit = Callable[[Path, str], None]


@pytest.fixture
def commit() -> Commit:
    """Commit everything, on a day."""
    return _commit


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    root = tmp_path / "source"
    for name, text in FILES.items():
        path = root / "integrations/shop" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (root / "integrations.json").write_text(json.dumps([ENTRY]))
    _git(root, "init", "-q", "-b", "main")
    _commit(root, "2026-03-04T12:00:00Z")
    return Repository(root)


def _git(root: Path, *arguments: str, date: str = "") -> None:
    who = {"GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.com", "HOME": str(root)}
    who |= {"GIT_COMMITTER_NAME": "A", "GIT_COMMITTER_EMAIL": "a@example.com"}
    dates = {"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date} if date else {}
    command = ["/usr/bin/env", "git", "-C", str(root), *arguments]
    subprocess.run(command, check=True, env={"PATH": "/usr/bin:/bin", **who, **dates}, timeout=60)


def _commit(root: Path, date: str) -> None:
    _git(root, "add", "-A")
    _git(root, "commit", "-q", "-m", "change", date=date)
