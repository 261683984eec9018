"""The examples of docs/reference/http.md, run against a server that has what they ask for."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.docs.conftest import Block
    from tests.remote import Remote

PAGE = "docs/reference/http.md"
SHOWN = "https://api.example.com/v1"


@pytest.fixture
def api(remote: "Remote") -> "Remote":
    remote.replies("/v1/projects/7", remote.json({"name": "dns"}))
    remote.replies("/v1/projects", remote.json({"id": 7}, 201))
    remote.replies("/v1/projects/8", remote.reply(204))
    remote.replies("/v1/projects/7/export", remote.reply(200, b"zip"))
    remote.replies("/v1/projects/7/logo", remote.reply(200, b"png"))
    page = {"members": ["a"], "meta": {"next": "2"}}
    remote.replies("/v1/members", remote.json(page), remote.json({"members": ["b"]}))
    remote.replies("/v1/issues", remote.json({"items": [1, 2], "total": 2}))
    remote.replies("/v1/owner", remote.json({"name": "acme"}))
    return remote


def test_its_task_runs(
    remote: "Remote",
    read_blocks: "Callable[..., list[Block]]",
    write_snapshot: Callable[[Mapping[str, str]], Path],
    run_child: Callable[..., Any],
) -> None:
    example = read_blocks(PAGE, "python")[0]
    link = f'<{remote.url}/repositories?page=2>; rel="next"'
    names = [remote.json([{"name": "a"}], Link=link), remote.json([{"name": "b"}])]
    remote.replies("/repositories", *names)
    remote.replies("/owner", remote.json({"name": "acme"}))
    config = {"url": remote.url, "token": "t0ken"}
    child = run_child("sample", write_snapshot({example.file: example.text}), config=config)
    result = child.results["list_repositories"]
    assert result["data"] == {"names": ["a", "b"]}, result
    assert result["logs"] == ["INFO acme has 2 repositories"]
    told = [event["done"] for event in child.events if event["type"] == "progress"]
    assert told == [1]


def test_its_other_examples_run(
    api: "Remote",
    read_blocks: "Callable[..., list[Block]]",
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    found: dict[str, Any] = {}
    for block in read_blocks(PAGE, "python")[1:]:
        exec(block.text.replace(SHOWN, f"{api.url}/v1"), found)
    assert (found["project"], found["made"], found["nothing"]) == ({"name": "dns"}, {"id": 7}, None)
    assert (found["size"], found["logo"]) == (3, b"png")
    assert (found["members"], found["issues"]) == (["a", "b"], [1, 2])
    assert found["both"] == [{"name": "acme"}, {"name": "dns"}]
    assert found["owner"] == {"name": "acme"}
    assert (found["names"], found["dropped"]) == (["dns"], 2)
    assert found["config"].token == "..."
