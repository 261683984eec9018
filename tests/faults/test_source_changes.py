"""New commits while jobs run, and integrations that are broken beside ones that work."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.faults.site import Site

Wait = Callable[..., Any]
BROKEN = {  # and a word of what is said of it
    "broken_syntax": "entry.py",
    "broken_import": "not_installed_anywhere",
    "broken_requirements": "line 1",
    "broken_twice": "same",
}


@pytest.fixture
def integrations() -> tuple[str, ...]:
    return ("gated", *BROKEN)


@pytest.mark.parametrize("told_by", ["sync", "init"])
def test_push_is_used_by_the_next_job_while_a_running_one_keeps_its_commit(
    site: Site,
    tmp_path: Path,
    wait_until: Wait,
    marked: Callable[[], list[Any]],
    told_by: str,
) -> None:
    old = site.init()["commit"]
    worker = site.start_worker(sync_seconds="0.5" if told_by == "sync" else "300")
    deployment = site.deploy("gated", gate=str(tmp_path / "gate"))
    first = site.submit(deployment)
    wait_until(marked)

    new = site.repository.replace("integrations/gated/entry.py", '"one"', '"two"')
    if told_by == "init":
        assert site.init()["commit"] == new
    else:
        wait_until(lambda: worker.said("catalogue sent", commit=new))
    second = site.submit(deployment)
    wait_until(lambda: len(marked()) == 2)
    (tmp_path / "gate").touch()

    ends = [site.ended(job_id) for job_id in (first, second)]
    assert [(job["status"], job["commit"]) for job in ends] == [("success", old), ("success", new)]
    versions = [site.tasks(job_id)["wait"]["data"]["version"] for job_id in (first, second)]
    assert versions == ["one", "two"]


def test_broken_integrations_say_why_and_the_others_run(site: Site) -> None:
    site.init()
    site.start_worker()
    listed = site.http.get("/api/v1/integrations").json()["items"]
    state = {it["name"]: it for it in listed}

    assert state["gated"]["state"] == "ready"
    for name, word in BROKEN.items():
        assert state[name]["state"] == "broken", name
        assert word in state[name]["problem"]["reason"]
        assert state[name]["problem"]["advice"]

    works, fails = site.submit(site.deploy("gated")), site.submit(site.deploy("broken_syntax"))
    assert site.ended(works)["status"] == "success"
    failed = site.ended(fails)
    assert failed["status"] == "failed"
    assert "entry.py" in failed["error"]["reason"]


def test_commit_that_breaks_an_integration_leaves_its_last_good_one_serving(
    site: Site, wait_until: Wait
) -> None:
    old = site.init()["commit"]
    worker = site.start_worker(sync_seconds="0.5")
    deployment = site.deploy("gated")
    assert site.ended(site.submit(deployment))["commit"] == old

    broken = site.repository.replace("integrations/gated/entry.py", "class Runner", "class (")
    wait_until(lambda: worker.said("integration broken", integration="gated"))
    wait_until(lambda: site.http.get("/api/v1/integrations/gated").json()["state"] == "broken")

    job = site.ended(site.submit(deployment))
    assert (job["status"], job["commit"]) == ("success", old)
    assert broken != old


def test_source_that_is_away_leaves_what_was_taken_serving_after_a_restart(
    site: Site,
) -> None:
    commit = site.init()["commit"]
    site.start_worker().stop()
    site.repository.path.rename(site.path / "away")

    worker = site.start_worker()

    assert worker.said("source degraded", serving=commit)
    assert site.ended(site.submit(site.deploy("gated")))["commit"] == commit
    site.path.joinpath("away").rename(site.repository.path)
