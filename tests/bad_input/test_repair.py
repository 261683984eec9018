"""A push that breaks one integration and drops another, then one that repairs both."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.bad_input.conftest import Repository, RunCommand, Scene

INSIGHT = "integrations/changing/insights/fine.py"


def test_last_good_commit_serves_until_the_repair_and_nothing_recorded_is_lost(
    scene: Scene, trueline: RunCommand
) -> None:
    source = scene.repository
    first = scene.scan("changing")
    left = scene.scan("leaving")
    assert (first["status"], left["status"]) == ("success", "success")
    recorded = _recorded(scene)
    assert {row["status"] for row in recorded["violations"]} == {"open"}

    dropped = _push_broken(source)
    assert scene.init()["disabled"] == ["leaving"]
    scene.wait_for(lambda: scene.integration("changing")["state"] == "broken")
    _check_broken(scene, trueline, first["commit"])
    _check_left(scene, trueline)
    assert _kept(_recorded(scene)) == _kept(recorded)

    fixed = _push_fixed(source, dropped)
    assert "leaving" in scene.init()["updated"]
    scene.wait_for(lambda: scene.integration("changing")["state"] == "ready")
    assert scene.integration("changing")["problem"] is None
    repaired = scene.scan("changing")
    assert (repaired["status"], repaired["commit"]) == ("success", fixed)
    back = scene.scan("leaving")
    assert (back["status"], back["commit"]) == ("success", fixed)
    states = {row["integration"]: row["status"] for row in _recorded(scene)["violations"]}
    assert states == {"changing": "resolved", "leaving": "open"}
    scene.check_good()


def _push_broken(source: Repository) -> dict[str, Any]:
    path = source.path / INSIGHT
    path.write_text(path.read_text().replace('severity="medium"', 'severity="mediun"'))
    manifest = source.path / "integrations.json"
    entries = json.loads(manifest.read_text())
    (dropped,) = [entry for entry in entries if "leaving" in str(entry)]
    manifest.write_text(json.dumps([entry for entry in entries if entry is not dropped]))
    source.commit()
    return dict(dropped)


def _push_fixed(source: Repository, dropped: dict[str, Any]) -> str:
    path = source.path / INSIGHT
    repaired = path.read_text().replace("mediun", "medium").replace(": True", ": False")
    path.write_text(repaired)
    source.git("checkout", "--quiet", "HEAD~1", "--", "integrations.json")
    assert dropped in json.loads((source.path / "integrations.json").read_text())
    return source.commit()


def _check_broken(scene: Scene, trueline: RunCommand, good_commit: str) -> None:
    shown = scene.integration("changing")
    assert "unknown severity 'mediun' (did you mean 'medium'?)" in shown["problem"]["reason"]
    assert shown["commit"] == good_commit
    assert len(shown["tasks"]) == 2

    ran = trueline("scan", "changing", "--wait")

    assert ran.code == 0
    assert f"this ran the last good one, {good_commit[:10]}" in ran.said
    assert "unknown severity 'mediun'" in ran.said
    line = scene.logged("job runs the last good commit", integration="changing")
    assert line is not None
    assert line["commit"] == good_commit
    assert line["advice"]


def _check_left(scene: Scene, trueline: RunCommand) -> None:
    shown = scene.integration("leaving")
    deployment = scene.get("/deployments/leaving")
    ran = trueline("scan", "leaving")

    assert (shown["state"], shown["enabled"]) == ("disabled", False)
    assert (deployment["state"], deployment["enabled"]) == ("paused", True)
    assert "integration 'leaving' is disabled" in deployment["problem"]["reason"]
    assert "integrations.json" in deployment["problem"]["advice"]
    assert ran.code == 2
    assert "disabled" in ran.said
    assert "integrations.json" in ran.said


def _recorded(scene: Scene) -> dict[str, list[dict[str, Any]]]:
    names = ("changing", "leaving")
    return {
        "deployments": [scene.get(f"/deployments/{name}") for name in names],
        "jobs": [row for name in names for row in scene.get("/jobs", deployment=name)["items"]],
        "violations": [
            row for name in names for row in scene.get("/violations", integration=name)["items"]
        ],
    }


def _kept(recorded: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """Return what must stay: all but a deployment's standing, new jobs and counts."""
    ended = min(row["finished_at"] for row in recorded["jobs"])
    return {
        "deployments": [(row["id"], row["config"]) for row in recorded["deployments"]],
        "first job": [row for row in recorded["jobs"] if row["finished_at"] == ended],
        "violations": [(row["id"], row["status"]) for row in recorded["violations"]],
    }
