"""Tests of how facts are put together."""

import json
from typing import Any

from cli.fault_cells import Became, Cell
from cli.fault_matrix import Matrix, Row
from cli.quality_facts import Checked, Evidence, facts_of, undescribed
from utils.exchange_faults import Fault
from utils.manifest import Entry, read_manifest
from worker.child_events import OwnTestsEnded
from worker.requirement import Requirement


def entry(**more: Any) -> Entry:
    fields = {"name": "shop", "title": "Shop", **more}
    return read_manifest(json.dumps([fields]).encode(), {"shop"}).entries[0]


def task(name: str, kind: str = "collector", **more: Any) -> dict[str, Any]:
    return {"name": name, "type": kind, "description": "It does.", "enabled": True, **more}


def ran(*notes: dict[str, Any]) -> OwnTestsEnded:
    told = [json.dumps(note) for note in notes]
    return OwnTestsEnded(type="tests", code=1, passed=3, failed=1, skipped=0, notes=told)


SERVED = {"is_served": True, "fault": "refused", "status": "failed", "cause": None}
CHECKED = Checked(errors=0, warnings=2, secrets=1, is_page_fresh=True)


def evidence(**more: Any) -> Evidence:
    given = {
        "entry": entry(),
        "tasks": [],
        "requirements": [],
        "tests": None,
        "matrix": None,
        "checked": CHECKED,
    }
    return Evidence(**{**given, **more})


def test_checks_and_tests_are_counted() -> None:
    facts = facts_of(evidence(tests=ran()))

    assert (facts.check_errors, facts.check_warnings, facts.secrets_found) == (0, 2, 1)
    assert (facts.tests_passed, facts.tests_failed, facts.is_page_fresh) == (3, 1, True)


def test_what_could_not_be_checked_is_not_known() -> None:
    facts = facts_of(evidence(checked=None))

    assert (facts.check_errors, facts.secrets_found, facts.is_page_fresh) == (None, None, None)


def test_descriptions_are_missed_at_any_depth() -> None:
    schema = {
        "properties": {
            "url": {"description": "Where"},
            "rules": {
                "description": "Which",
                "items": {"properties": {"name": {"description": " "}}},
            },
            "token": {},
        }
    }

    assert list(undescribed(schema)) == ["/rules/items/name", "/token"]


def test_a_disabled_task_needs_nothing() -> None:
    tasks = [task("a", description=None), task("b", enabled=False)]
    facts = facts_of(evidence(tasks=tasks, matrix=Matrix()))

    assert list(facts.undescribed_tasks) == ["a"]
    assert list(facts.unproven_collectors) == ["a"]


def test_exchanges_and_server_tests_prove_collectors() -> None:
    cells = {Fault.TIMEOUT: Cell(Became.QUIET), Fault.REFUSED: Cell(Became.FAILED)}
    matrix = Matrix((Row("default", "0001 GET /a", "a", cells),), frozenset({"a"}))
    found = facts_of(
        evidence(
            tasks=[task("a"), task("b"), task("c")],
            tests=ran({"task": "b", "verdict": None, **SERVED}),
            matrix=matrix,
        )
    )

    assert list(found.unproven_collectors) == [
        "b (its server tests lack: a whole success, timeout, cut off)",
        "c",
    ]
    assert facts_of(evidence(tasks=[task("a")])).unproven_collectors == []
    assert found.quiet_cells == ("0001 GET /a (a) x timeout",)


def test_each_insight_needs_three_verdicts() -> None:
    seen = [{"task": "a", "verdict": one} for one in ("pass", "fail", "unknown")]
    facts = facts_of(
        evidence(
            tasks=[task("a", "insight"), task("b", "insight")],
            tests=ran(*seen, {"task": "b", "verdict": "fail"}),
        )
    )

    assert list(facts.untested_verdicts) == ["b (pass, unknown)"]


def test_requirements_without_an_exact_version_and_hosts_are_told() -> None:
    wanted = [Requirement("boto3==1.2.3"), Requirement("rich>=13")]

    assert facts_of(evidence(requirements=wanted)).unpinned == ["rich>=13"]
    assert not facts_of(evidence()).declares_hosts
    assert facts_of(evidence(entry=entry(hosts=[]))).declares_hosts
