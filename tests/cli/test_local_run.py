from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from cli.local_run import CannotRun, LocalWorker, check_config, find_checkout, read_entry
from utils.errors import TruelineError
from utils.settings import read_settings


def test_the_checkout_is_found_from_a_folder_below(source: Path) -> None:
    assert find_checkout(source / "integrations" / "nap") == source


def test_no_manifest_anywhere_is_an_error_with_the_place(tmp_path: Path) -> None:
    with pytest.raises(CannotRun, match=r"no integrations\.json"):
        find_checkout(tmp_path)


def test_an_unknown_name_gets_a_suggestion(source: Path) -> None:
    with pytest.raises(CannotRun, match="did you mean 'nap'"):
        read_entry(source, "nop")


def test_an_entry_that_the_manifest_spoils_says_why(tmp_path: Path) -> None:
    (tmp_path / "integrations" / "x").mkdir(parents=True)
    (tmp_path / "integrations.json").write_text('[{"name": "x", "titel": "X"}]')
    with pytest.raises(CannotRun, match="titel"):
        read_entry(tmp_path, "x")


def test_a_config_that_does_not_fit_names_the_place(source: Path) -> None:
    with pytest.raises(CannotRun, match="/seconds"):
        check_config(read_entry(source, "nap"), {"seconds": "long"})


def test_a_run_reports_events_results_and_violations_and_keeps_secrets(
    environ: Mapping[str, str], source: Path
) -> None:
    events: list[dict[str, Any]] = []
    settings = read_settings(environ, source)
    config = {"tired": True, "token": "hunter2-hunter2"}
    here = LocalWorker(settings, environ, events.append)
    outcome = here.run(source, read_entry(source, "nap"), config)
    assert outcome.end.status == "success"
    assert [result["name"] for result in outcome.results] == ["nap", "well_rested"]
    assert [row["severity"] for row in outcome.violations()] == ["high"]
    assert events[-1]["type"] == "job_finished"
    assert "hunter2" not in repr(events)


def test_a_run_reaches_declared_hosts_alone_where_the_settings_say_so(
    environ: Mapping[str, str], source: Path
) -> None:
    settings = read_settings({**environ, "TRUELINE_EGRESS": "declared"}, source)
    here = LocalWorker(settings, environ, lambda _: None)
    outcome = here.run(source, read_entry(source, "nap"), {})
    assert outcome.end.status == "success"
    assert outcome.network is not None
    assert (outcome.network["hosts"], outcome.network["reached"]) == (None, [])


def test_nothing_of_a_run_stays_in_the_checkout(environ: Mapping[str, str], source: Path) -> None:
    before = sorted(source.rglob("*"))
    settings = read_settings(environ, source)
    here = LocalWorker(settings, environ, lambda _: None)
    here.run(source, read_entry(source, "hello_world"), {})
    assert sorted(source.rglob("*")) == before


def test_references_of_a_run_are_resolved_by_the_same_rules(
    environ: Mapping[str, str], source: Path, tmp_path: Path
) -> None:
    events: list[Any] = []
    entry, config = read_entry(source, "nap"), {"token": "env:NAP_TOKEN"}
    check_config(entry, config)
    with pytest.raises(CannotRun, match="/token"):
        check_config(entry, {"token": "env:"})
    variables = {**environ, "NAP_TOKEN": "hunter2-of-the-shell"}
    here = LocalWorker(read_settings(variables, source), variables, events.append)
    with pytest.raises(TruelineError, match="may not use env:NAP_TOKEN"):
        here.run(source, entry, config)
    (tmp_path / "allowed.toml").write_text('nap = ["env:NAP_*"]')
    allowed = {**environ, "TRUELINE_REFERENCES_FILE": str(tmp_path / "allowed.toml")}
    here = LocalWorker(read_settings(allowed, source), variables, events.append)
    assert here.run(source, entry, config).end.status == "success"
    assert "hunter2" not in repr(events)
