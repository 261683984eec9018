"""A small repository with nothing wrong in it, and one fault put into it at a time."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from cli.check.checking import check_repository
from cli.check.finding import Finding
from cli.reading.repository import Repository

ENTRY: Mapping[str, Any] = {
    "name": "shop",
    "title": "Shop",
    "hosts": [],
    "schema": {
        "type": "object",
        "properties": {
            "token": {"type": "string", "format": "password", "description": "Of the shop"}
        },
    },
}
CLEAN: Mapping[str, str] = {
    "entry.py": """\
from utils.base_runner import BaseRunner


class Runner(BaseRunner):
    name = "shop"

    class StageOne(BaseRunner.StageOne):
        def start(self):
            return {}
""",
    "collectors/goods.py": """\
from utils.decorators import task


@task(name="goods", title="Goods", description="What is for sale")
def goods(self, ctx):
    return {"data": {"goods": ["lamp"]}, "message": "1 good"}
""",
    "insights/priced.py": """\
from utils.decorators import task


@task(
    name="priced", title="Priced", description="All have a price", type="insight",
    depends_on=("goods",),
)
def priced(self, ctx):
    bare = ctx.get_data("goods")["goods"]
    return {
        "data": {},
        "resources": [{"id": good, "severity": "low"} for good in bare],
        "violation": bool(bare),
    }
""",
    "requirements.txt": "boto3==1.40.2\n",
}
MakeRepository = Callable[..., Repository]
Check = Callable[..., list[Finding]]


@pytest.fixture
def make_repository(tmp_path: Path) -> MakeRepository:
    """Write the clean repository: `changes` replace files of it, None takes one away."""

    def make(
        changes: Mapping[str, str | bytes | None] | None = None,
        entry: Mapping[str, Any] | None = None,
        manifest: str | None = None,
    ) -> Repository:
        folder = tmp_path / "source" / "integrations" / "shop"
        files: dict[str, str | bytes | None] = {**CLEAN, **(changes or {})}
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if content is not None:
                path.write_bytes(content.encode() if isinstance(content, str) else content)
        text = manifest if manifest is not None else json.dumps([{**ENTRY, **(entry or {})}])
        (tmp_path / "source" / "integrations.json").write_text(text)
        return Repository(tmp_path / "source")

    return make


@pytest.fixture
def check(make_repository: MakeRepository) -> Check:
    """Write a repository and check it; of the documentation page, nothing is said here."""

    def run(*args: Any, **kwargs: Any) -> list[Finding]:
        findings = check_repository(make_repository(*args, **kwargs))
        return [finding for finding in findings if finding.rule.id != "page-stale"]

    return run
