"""`trueline run github` against an API on loopback: pages, limits, refusals, and what is judged."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cli.local_run import ALL_TASKS, ONE_WARM, LocalSession, LocalWorker, Wish, read_entry
from tests.integrations.github.acme import acme, small_acme
from tests.integrations.github.loopback_api import (
    TOKEN,
    Answer,
    Asked,
    LoopbackApi,
    abuse_limit,
    limit_spent,
    nothing_first,
    refused,
    serving,
)
from tests.integrations.github.published import published
from utils.config_schema import validate_config
from utils.manifest import Entry
from utils.quality import quality_of
from utils.settings import read_settings
from utils.tiers import Tier
from worker.execution import Prepared

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
    """How a run of the integration ended."""

    status: str
    tasks: Mapping[str, Mapping[str, Any]]
    text: str

    def insights(self) -> dict[str, str]:
        found = {name: task["verdict"] for name, task in self.tasks.items()}
        return {name: verdict for name, verdict in found.items() if verdict}

    def ids(self, task: str) -> set[str]:
        return {one["id"] for one in self.tasks[task]["resources"] or ()}


Serves = Callable[..., LoopbackApi]
Audits = Callable[..., Ran]


@pytest.fixture(scope="module")
def api() -> Iterator[LoopbackApi]:
    """Serve one API at one port: that is what the jobs' sandbox is opened for."""
    with serving(LoopbackApi({})) as served:
        yield served


@pytest.fixture(scope="module")
def environ(api: LoopbackApi, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """Return the variables of a user with a data directory of their own."""
    kept = {name: one for name, one in os.environ.items() if not name.startswith("TRUELINE_")}
    return {
        **kept,
        "TRUELINE_DATA_DIR": str(tmp_path_factory.mktemp("data")),
        "TRUELINE_LOOPBACK_PORTS": str(api.port),
    }


@pytest.fixture(scope="module")
def entry() -> Entry:
    return read_entry(ROOT, "github")


@pytest.fixture(scope="module")
def session(environ: Mapping[str, str], entry: Entry) -> Iterator[tuple[LocalSession, Prepared]]:
    """Open what runs jobs in the integration's environment, in the sandbox where there is one."""
    worker = LocalWorker(read_settings(environ, ROOT), environ, lambda _: None)
    with worker.open(ONE_WARM) as opened:
        yield opened, opened.prepare(ROOT, entry)


@pytest.fixture
def serve(api: LoopbackApi) -> Serves:
    """Return a function that says what the API is to answer from now on."""

    def answer(paths: dict[str, Any], before: Asked = nothing_first) -> LoopbackApi:
        api.paths, api.before = paths, before
        api.heard.clear()
        return api

    return answer


@pytest.fixture
def audit(api: LoopbackApi, session: tuple[LocalSession, Prepared], entry: Entry) -> Audits:
    """Return a function that runs the integration against the API as it is."""

    def run(wish: Wish = ALL_TASKS, **config: Any) -> Ran:
        here, prepared = session
        outcome = here.run(prepared, entry, config_of(api, **config), wish)
        text = json.dumps(outcome.results) + json.dumps(outcome.end.error)
        return Ran(outcome.end.status, {one["name"]: one for one in outcome.results}, text)

    return run


def config_of(api: LoopbackApi, **changes: Any) -> dict[str, Any]:
    given = {"base_url": api.url, "token": TOKEN, "organisation": "acme", **changes}
    return {name: value for name, value in given.items() if value is not None}


@pytest.mark.parametrize(
    "config",
    [
        {"token": "t", "organisation": "acme"},
        {"token": "t", "repositories": ["acme/shop", "lee/dot.files"]},
        {"token": "t", "organisation": "acme", "repositories": ["acme/shop"], "key_days": 30},
    ],
)
def test_its_schema_accepts(config: dict[str, Any], entry: Entry) -> None:
    assert validate_config(entry.schema, config) == []


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
def test_its_schema_refuses(config: dict[str, Any], entry: Entry) -> None:
    assert validate_config(entry.schema, config)


def test_its_hosts_are_declared(entry: Entry) -> None:
    assert entry.hosts is not None
    assert [str(host) for host in entry.hosts] == ["api.github.com"]


@pytest.mark.usefixtures("session")
def test_trueline_run_finds_what_is_wrong_in_an_organisation(
    serve: Serves, environ: Mapping[str, str]
) -> None:
    api = serve(acme())
    done = subprocess.run(
        [COMMAND, "run", "github", "--config", "-", "--json", "--fail-on", "critical"],
        input=json.dumps(config_of(api, most_administrators=1)),
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    told = {task["name"]: task for task in json.loads(done.stdout)["tasks"]}
    ran = Ran("success", told, done.stdout + done.stderr)
    assert set(ran.insights().values()) == {"fail"}
    assert {name: ran.ids(name) for name in ran.insights()} == WRONG
    assert TOKEN not in ran.text
    assert Counter(api.heard)["/orgs/acme/repos"] == 3, (
        "two repositories a page, and there are five"
    )


def test_what_is_sound_or_allowed_passes(serve: Serves, audit: Audits) -> None:
    sound: dict[str, Any] = {"/repos/acme/shop/secret-scanning/alerts": []}
    serve({**acme(), **sound})
    ran = audit(
        organisation=None,
        repositories=["acme/shop"],
        allowed_collaborators=["kim"],
        allowed_writing_keys=["release"],
    )
    verdicts = ran.insights()
    assert verdicts.pop("people_with_2fa") == "unknown", "they are told of an organisation alone"
    assert set(verdicts.values()) == {"pass"}, verdicts


def test_a_token_with_few_rights_gives_few_answers_and_no_false_ones(
    serve: Serves, audit: Audits
) -> None:
    said = "Resource not accessible by personal access token"

    def refuse(path: str, _: Mapping[str, str]) -> Answer | None:
        return None if path in {"/orgs/acme", "/orgs/acme/repos"} else refused(403, said)

    serve(acme(), before=refuse)
    ran = audit()
    assert ran.status == "success"
    verdicts = ran.insights()
    assert verdicts.pop("public_repositories") == "fail"
    assert set(verdicts.values()) == {"unknown"}
    assert f"acme/sketch: 403 {said}" in ran.text


def test_limits_are_waited_for(serve: Serves, audit: Audits) -> None:
    spent = {"/repos/acme/shop/keys": limit_spent(1), "/orgs/acme/hooks": abuse_limit(1)}

    def limit(path: str, _: Mapping[str, str]) -> Answer | None:
        return spent.pop(path, None)

    api = serve(small_acme(), before=limit)
    ran = audit()
    assert ran.tasks["list_deploy_keys"]["status"] == "success"
    assert ran.tasks["list_webhooks"]["status"] == "success"
    assert Counter(api.heard)["/repos/acme/shop/keys"] == 2
    assert Counter(api.heard)["/orgs/acme/hooks"] == 2


def test_a_limit_that_takes_an_hour_puts_the_job_off(serve: Serves, audit: Audits) -> None:
    api = serve(small_acme(), before=lambda *_: limit_spent(3600))
    ran = audit(Wish(("list_repositories",)))
    assert ran.status == "failed"
    cause = ran.tasks["list_repositories"]["cause"]
    assert cause["kind"] == "rate_limited"
    assert 3000 < cause["retry_after"] <= 3600
    assert api.heard == ["/orgs/acme"]


def test_a_refused_token_is_said_at_once(serve: Serves, audit: Audits) -> None:
    serve(small_acme())
    ran = audit(token="ghp_of-somebody-else")
    assert ran.tasks["list_repositories"]["cause"]["kind"] == "auth"
    assert "Bad credentials" in ran.text
    assert "of-somebody-else" not in ran.text
    assert set(ran.insights().values()) == {"unknown"}


def test_the_recorded_exchanges_are_what_it_asks_and_is_told(
    serve: Serves, audit: Audits, tmp_path: Path
) -> None:
    api = serve(small_acme())
    audit(Wish(record=tmp_path))
    committed = {path.name: json.loads(path.read_text()) for path in RECORDED.glob("*.json")}
    assert published(tmp_path, api) == committed


def test_its_tier_is_proven_of_the_files_as_they_are() -> None:
    folder = ROOT / "integrations" / "github"
    proven = quality_of(folder)
    assert proven is not None
    assert (proven.tier, proven.is_fresh) == (Tier.PLATINUM, True), "trueline test github --faults"
