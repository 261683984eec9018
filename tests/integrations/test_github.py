"""`trueline run github` against an API on loopback: pages, limits, refusals, and what is judged."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.integrations.github.acme import acme, small_acme
from tests.integrations.github.loopback_api import (
    TOKEN,
    Answer,
    LoopbackApi,
    abuse_limit,
    limit_spent,
    refused,
    serving,
)
from tests.integrations.github.published import published
from utils.config_schema import validate_config

ROOT = Path(__file__).parents[2]
RECORDED = ROOT / "integrations" / "github" / "tests" / "exchanges" / "default"
COMMAND = Path(sys.executable).with_name("trueline")
DEADLINE_SECONDS = 150
WRONG = {
    "actions_restricted": {"acme/site"},
    "alerts_switched_on": {"acme/site:dependabot_alerts", "acme/ledger:secret_alerts"},
    "default_branch_keeps_history": {"acme/ledger:main"},
    "default_branch_protected": {"acme/site:main"},
    "default_branch_reviewed": {"acme/ledger:main"},
    "few_administrators": {"acme/shop"},
    "inactive_repositories": {"acme/attic"},
    "old_dependabot_alerts": {"acme/ledger:dependabot-2", "acme/ledger:dependabot-3"},
    "open_secret_alerts": {"acme/shop:secret-1"},
    "outside_collaborators": {"acme/attic:lee", "acme/shop:kim"},
    "people_with_2fa": {"kim"},
    "public_repositories": {"acme/site"},
    "stale_deploy_keys": {"acme/attic:key-41"},
    "stale_tokens": {"fine-grained:62"},
    "webhooks_are_safe": {"acme/site:hook-53", "acme:hook-51"},
    "writing_deploy_keys": {"acme/shop:key-42"},
}


@dataclass(frozen=True)
class Ran:
    """What `trueline run --json` told."""

    code: int
    status: str
    error: Mapping[str, Any] | None
    tasks: Mapping[str, Mapping[str, Any]]
    text: str

    def insights(self) -> dict[str, str]:
        found = {name: task["verdict"] for name, task in self.tasks.items()}
        return {name: verdict for name, verdict in found.items() if verdict}

    def ids(self, task: str) -> set[str]:
        return {one["id"] for one in self.tasks[task]["resources"] or ()}


Runs = Callable[..., Ran]
Serves = Callable[..., LoopbackApi]


@pytest.fixture(scope="session")
def data_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where runs keep what they build, so that it is built once."""
    return tmp_path_factory.mktemp("github-data")


@pytest.fixture
def serve() -> Iterator[Serves]:
    """Return a function that serves an API until the test ends."""
    with ExitStack() as stack:
        yield lambda paths, **how: stack.enter_context(serving(LoopbackApi(paths, **how)))


@pytest.fixture
def audit(data_directory: Path) -> Runs:
    """Return a function that runs the integration against an API, as a person would."""

    def run(api: LoopbackApi, *arguments: str, **config: Any) -> Ran:
        given = {"base_url": api.url, "token": TOKEN, "organisation": "acme", **config}
        kept = {name: one for name, one in os.environ.items() if not name.startswith("TRUELINE_")}
        told = {
            "TRUELINE_DATA_DIR": str(data_directory),
            "TRUELINE_LOOPBACK_PORTS": str(api.port),
        }
        done = subprocess.run(
            [str(COMMAND), "run", "github", "--config", "-", "--json", *arguments],
            input=json.dumps({name: one for name, one in given.items() if one is not None}),
            cwd=ROOT,
            env={**kept, **told},
            capture_output=True,
            text=True,
            timeout=DEADLINE_SECONDS,
            check=False,
        )
        assert done.stdout, done.stderr
        text = json.loads(done.stdout)
        tasks = {task["name"]: task for task in text["tasks"]}
        whole = done.stdout + done.stderr
        return Ran(done.returncode, text["status"], text["error"], tasks, whole)

    return run


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    entries = json.loads((ROOT / "integrations.json").read_text())
    (entry,) = [entry for entry in entries if entry["name"] == "github"]
    assert entry["hosts"] == ["api.github.com"]
    found: dict[str, Any] = entry["schema"]
    return found


@pytest.mark.parametrize(
    "config",
    [
        {"token": "t", "organisation": "acme"},
        {"token": "t", "repositories": ["acme/shop", "lee/dot.files"]},
        {"token": "t", "organisation": "acme", "repositories": ["acme/shop"], "key_days": 30},
    ],
)
def test_its_schema_accepts(config: dict[str, Any], schema: dict[str, Any]) -> None:
    assert validate_config(schema, config) == []


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"token": "t"},
        {"organisation": "acme"},
        {"token": "t", "repositories": ["shop"]},
        {"token": "t", "organisation": "acme", "allowed_publik": []},
    ],
)
def test_its_schema_refuses(config: dict[str, Any], schema: dict[str, Any]) -> None:
    assert validate_config(schema, config)


def test_each_insight_finds_what_is_wrong_in_an_organisation(serve: Serves, audit: Runs) -> None:
    api = serve(acme())
    ran = audit(api, "--fail-on", "critical", most_administrators=1)
    assert ran.code == 1
    assert set(ran.insights().values()) == {"fail"}
    assert {name: ran.ids(name) for name in ran.insights()} == WRONG
    assert TOKEN not in ran.text
    assert Counter(api.heard)["/orgs/acme/repos"] == 3, (
        "two repositories a page, and there are five"
    )


def test_what_is_sound_or_allowed_passes(serve: Serves, audit: Runs) -> None:
    shop = acme()
    shop["/repos/acme/shop/secret-scanning/alerts"] = []
    ran = audit(
        serve(shop),
        organisation=None,
        repositories=["acme/shop"],
        allowed_collaborators=["kim"],
        allowed_writing_keys=["release"],
    )
    failed = {name for name, verdict in ran.insights().items() if verdict != "pass"}
    assert failed == {"people_with_2fa"}, "second factors are told of an organisation alone"
    assert ran.insights()["people_with_2fa"] == "unknown"


def test_a_token_with_few_rights_gives_few_answers_and_no_false_ones(
    serve: Serves, audit: Runs
) -> None:
    said = "Resource not accessible by personal access token"

    def refuse(path: str, _: Mapping[str, str]) -> Answer | None:
        return None if path in {"/orgs/acme", "/orgs/acme/repos"} else refused(403, said)

    ran = audit(serve(acme(), before=refuse))
    assert ran.status == "success"
    verdicts = ran.insights()
    assert verdicts.pop("public_repositories") == "fail"
    assert set(verdicts.values()) == {"unknown"}
    assert f"acme/attic: 403 {said}" in ran.text


def test_limits_are_waited_for(serve: Serves, audit: Runs) -> None:
    spent = {"/repos/acme/shop/keys": limit_spent(1), "/orgs/acme/hooks": abuse_limit(1)}

    def limit(path: str, _: Mapping[str, str]) -> Answer | None:
        return spent.pop(path, None)

    api = serve(small_acme(), before=limit)
    ran = audit(api)
    assert ran.tasks["list_deploy_keys"]["status"] == "success"
    assert ran.tasks["list_webhooks"]["status"] == "success"
    assert Counter(api.heard)["/repos/acme/shop/keys"] == 2
    assert Counter(api.heard)["/orgs/acme/hooks"] == 2


def test_a_limit_that_takes_an_hour_puts_the_job_off(serve: Serves, audit: Runs) -> None:
    api = serve(small_acme(), before=lambda *_: limit_spent(3600))
    ran = audit(api, "--task", "list_repositories")
    assert ran.status == "failed"
    assert ran.tasks["list_repositories"]["cause"]["kind"] == "rate_limited"
    assert 3000 < ran.tasks["list_repositories"]["cause"]["retry_after"] <= 3600
    assert api.heard == ["/orgs/acme"]


def test_a_refused_token_is_said_at_once(serve: Serves, audit: Runs) -> None:
    ran = audit(serve(small_acme()), token="ghp_of-somebody-else")
    assert ran.tasks["list_repositories"]["cause"]["kind"] == "auth"
    assert "Bad credentials" in ran.text
    assert "of-somebody-else" not in ran.text
    assert set(ran.insights().values()) == {"unknown"}


def test_the_recorded_exchanges_are_what_it_asks_and_is_told(
    serve: Serves, audit: Runs, tmp_path: Path
) -> None:
    api = serve(small_acme())
    audit(api, "--record", str(tmp_path))
    committed = {path.name: json.loads(path.read_text()) for path in RECORDED.glob("*.json")}
    assert published(tmp_path, api) == committed
