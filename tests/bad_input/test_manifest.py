"""Manifests that cannot be used, as a whole or in an entry: the rest goes on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.bad_input.conftest import LogLine, Repository, RunCommand, Scene

MANIFEST = "integrations.json"
LONG = "a_name_that_is_longer_than_the_sixty_four_characters_that_a_name_may_have"
# Name under which an entry is rejected: what its error names, and what its advice says.
REJECTED = {
    "entry_unknown_key": ("unknown key 'titel' (did you mean 'title'?)", "correct"),
    "twice": ("the name 'twice' stands in entries 32 and 33", "keep one of them"),
    "no_folder_of_mine": ("there is no folder integrations/no_folder_of_mine", "add the folder"),
    "without_entry": ("the folder integrations/without_entry has no entry.py", "the folder"),
    "schema_invalid": (
        (
            "schema: /properties/port/type: 'intger' is none of array, boolean, integer, null, "
            "number, object, string (did you mean 'integer'?)"
        ),
        "json-schema.org",
    ),
    "schema_remote_ref": (
        "schema: /properties/port/$ref: 'https://schemas.invalid/port.json' is not in this schema",
        '"$defs"',
    ),
    LONG: ("name: 1 to 64 small letters, digits and '_'", "correct"),
    "entry 39": ("entry 39: the key 'name' is missing", "correct"),
    "entry 40": ("entry 40: it is not an object", '{"name": ..., "title": ...}'),
}
# Name of the folder: what the error of the whole manifest names, and what its advice says.
WHOLE = {
    "not_json": ("integrations.json is not JSON: line 3, column 23: ", "correct integrations.json"),
    "not_utf8": ("integrations.json is not UTF-8: byte 31 is 0xe9", "correct integrations.json"),
    "not_a_list": ("integrations.json is not a list of entries", "put it into [ ]"),
    "empty_file": ("integrations.json is empty", "restore its entries"),
}


@pytest.fixture(scope="module")
def source(scene: Scene) -> Iterator[Repository]:
    """Return the source, which at last goes back to where it was, and the worker with it."""
    commit = scene.repository.git("rev-parse", "HEAD")
    yield scene.repository
    scene.repository.back_to(commit)
    scene.wait_for(lambda: scene.logged("source back"))
    scene.check_good()


def test_rejected_entries_are_told_by_init_and_in_the_log(scene: Scene) -> None:
    rejected = {row["name"]: row for row in scene.init()["rejected"]}

    assert rejected.keys() == REJECTED.keys()
    for name, (reason, advice) in REJECTED.items():
        assert reason in rejected[name]["reason"]
        assert advice in rejected[name]["advice"]
        line = scene.logged("integration broken", integration=name)
        assert line is not None
        assert reason in line["reason"]
        assert advice in line["advice"]
    scene.check_good()


def test_command_exits_with_3_and_tells_every_rejected_entry(trueline: RunCommand) -> None:
    ran = trueline("init")

    assert ran.code == 3
    for name, (reason, advice) in REJECTED.items():
        assert f"rejected {name} " in ran.said
        assert reason in ran.said
        assert advice in ran.said


@pytest.mark.parametrize("name", ["entry_unknown_key", "twice", "schema_remote_ref", LONG])
def test_run_of_a_rejected_entry_is_refused_with_its_reason(
    trueline: RunCommand, name: str
) -> None:
    reason, advice = REJECTED[name]

    ran = trueline("run", name)

    assert ran.code == 2
    assert reason in ran.said
    assert advice in ran.said


def test_run_of_a_folder_without_an_entry_file_names_the_file(trueline: RunCommand) -> None:
    ran = trueline("run", "without_entry")

    assert ran.code in {2, 3}
    assert "integrations/without_entry" in ran.said
    assert "entry.py" in ran.said


@pytest.mark.parametrize("kind", [*WHOLE, "missing"])
def test_unusable_manifest_leaves_everything_as_it_was(
    scene: Scene, source: Repository, trueline: RunCommand, kind: str
) -> None:
    before = _registered(scene)
    reason, advice = WHOLE.get(kind, ("has no file integrations.json", ""))
    if kind == "missing":
        (source.path / MANIFEST).unlink()
    else:
        source.write(MANIFEST, (scene.manifests / kind / MANIFEST).read_bytes())
    source.commit()

    answer = scene.ask("POST", "/init-integrations")
    ran = trueline("init")
    line = scene.wait_for(lambda: _degraded(scene, reason))

    assert answer.status_code == 422
    assert reason in answer.json()["detail"]
    assert advice in answer.json()["advice"]
    assert answer.json()["advice"]
    assert ran.code == 2
    assert reason in ran.said
    assert answer.json()["advice"] in ran.said
    assert line["advice"] == answer.json()["advice"]
    assert _registered(scene) == before
    scene.check_good()


def _registered(scene: Scene) -> Any:
    """Return all integrations but for their warm processes, which come and go with use."""
    page = scene.get("/integrations", limit=500)
    for one in page["items"]:
        if one["environment"]:
            del one["environment"]["warm"]
    return page


def _degraded(scene: Scene, reason: str) -> LogLine | None:
    line = scene.logged("source degraded")
    return line if line and reason in line["reason"] else None


@pytest.mark.parametrize("kind", WHOLE)
def test_run_in_a_checkout_with_an_unusable_manifest_names_the_place(
    scene: Scene, trueline: RunCommand, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(scene.manifests / kind)
    reason, advice = WHOLE[kind]

    ran = trueline("run", "good")

    assert ran.code == 2
    assert reason in ran.said
    assert advice in ran.said
