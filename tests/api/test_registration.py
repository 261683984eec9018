from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import Row

from api.registration import Outcome, plan_registration
from utils.manifest import Entry, Manifest, Rejected


@dataclass
class Record:
    """What a row of `integrations` has, for plans that need no database."""

    title: str = "DNS"
    description: str = ""
    enabled: bool = True
    schema: Any = None
    hosts: Any = None
    state: str = "ready"
    problem: Any = None
    tasks: Any = None
    environment: Any = None


def planned(manifest: Manifest, **records: Record) -> list[tuple[str, Outcome, dict[str, Any]]]:
    rows = cast("dict[str, Row[Any]]", records)
    return [(it.name, it.outcome, dict(it.columns)) for it in plan_registration(manifest, rows)]


def listing(*, enabled: bool = True) -> Manifest:
    return Manifest((Entry("dns", "DNS", "", enabled, {}),), ())


def test_new_entry_that_is_not_enabled_begins_disabled() -> None:
    ((name, outcome, columns),) = planned(listing(enabled=False))
    assert (name, outcome, columns["state"]) == ("dns", Outcome.DISABLED, "disabled")


def test_broken_integration_keeps_its_workers_problem() -> None:
    problem = {"reason": "r", "advice": "a", "by": "worker"}
    record = Record(schema={}, state="broken", problem=problem)
    assert planned(listing(), dns=record) == [("dns", Outcome.UNCHANGED, {})]


def test_problem_of_the_manifest_goes_when_the_entry_is_good() -> None:
    record = Record(schema={}, problem={"reason": "r", "advice": "a", "by": "manifest"})
    assert planned(listing(), dns=record) == [("dns", Outcome.UPDATED, {"problem": None})]


def test_returning_entry_is_ready_when_a_worker_has_reported_on_it() -> None:
    known = Record(schema={}, enabled=False, state="disabled", tasks=[], environment={})
    new = Record(schema={}, enabled=False, state="disabled")
    assert planned(listing(), dns=known)[0][2] == {"enabled": True, "state": "ready"}
    assert planned(listing(), dns=new)[0][2] == {"enabled": True, "state": "registered"}


def test_declared_hosts_are_kept_and_an_entry_without_them_is_told_apart() -> None:
    def with_hosts(hosts: tuple[str, ...] | None) -> Manifest:
        return Manifest((Entry("dns", "DNS", "", enabled=True, schema={}, hosts=hosts),), ())

    ((_, _, columns),) = planned(with_hosts(("a.example",)))
    assert columns["hosts"] == ["a.example"]
    known = Record(schema={}, hosts=["a.example"])
    assert planned(with_hosts(("a.example",)), dns=known)[0][1] is Outcome.UNCHANGED
    assert planned(with_hosts(()), dns=known)[0][2] == {"hosts": []}
    assert planned(with_hosts(None), dns=known)[0][2] == {"hosts": None}


def test_rejected_entry_leaves_everything_but_the_problem() -> None:
    manifest = Manifest((), (Rejected("dns", "r", "a"), Rejected("new", "r", "a")))
    problem = {"reason": "r", "advice": "a", "by": "manifest"}
    assert planned(manifest, dns=Record()) == [
        ("dns", Outcome.REJECTED, {"problem": problem}),
        ("new", Outcome.REJECTED, {}),
    ]


def test_entry_that_left_is_disabled_once() -> None:
    gone = {"enabled": False, "state": "disabled", "problem": None}
    assert planned(Manifest((), ()), dns=Record()) == [("dns", Outcome.DISABLED, gone)]
    assert planned(Manifest((), ()), dns=Record(enabled=False, state="disabled")) == []
