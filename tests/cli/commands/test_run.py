import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.httpd import echoing


@pytest.fixture
def checkout(source: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(source)
    return source


def test_run_needs_no_api_and_no_commit(checkout: Path, trueline: Any) -> None:
    entry = checkout / "integrations" / "nap" / "entry.py"
    text = entry.read_text()
    try:
        entry.write_text(text.replace('{"data": {}}', '{"data": {}, "message": "fresh"}'))
        ran = trueline("run", "nap")
    finally:
        entry.write_text(text)
    assert ran.code == 0
    assert "fresh" in ran.out
    assert "run: ✓ success" in ran.out


def test_violations_count_for_the_exit_code(checkout: Path, trueline: Any) -> None:
    assert checkout.is_dir()
    assert trueline("run", "nap", "--set", "tired=true", "--fail-on", "high").code == 1
    assert trueline("run", "nap", "--set", "tired=true").code == 0


def test_an_integration_that_does_not_load_says_where(checkout: Path, trueline: Any) -> None:
    assert checkout.is_dir()
    ran = trueline("run", "crooked")
    assert ran.code == 3
    assert "entry.py" in ran.out


def test_json_has_every_task(checkout: Path, trueline: Any) -> None:
    assert checkout.is_dir()
    ran = trueline("run", "nap", "--set", "explode=true", "--json")
    assert ran.json["status"] == "partial"
    assert [task["status"] for task in ran.json["tasks"]] == ["success", "failed"]
    assert "the alarm did not ring" in ran.err


def test_a_config_that_does_not_fit_is_a_usage_error(checkout: Path, trueline: Any) -> None:
    assert checkout.is_dir()
    ran = trueline("run", "nap", "--set", "seconds=long")
    assert ran.code == 2
    assert "/seconds" in ran.err


REPLAY = ("--config", "integrations/shop/tests/config.json", "--replay")
SET = "integrations/shop/tests/exchanges/default"


def test_one_task_runs_with_what_it_needs_as_a_table(shop: Path, trueline: Any) -> None:
    assert shop.is_dir()
    ran = trueline("run", "shop", *REPLAY, SET, "--task", "sold_out", "--debug")
    assert ran.code == 0
    lines = [line.split() for line in ran.out.splitlines()]
    requests = [line for line in lines if line[1:5] == ["DEBUG", "GET", "shop.example", "/items"]]
    assert [line[0] for line in requests] == ["list_items"] * 2
    lines = lines[len(requests) :]
    assert lines[0] == ["task", "status", "verdict", "seconds", "message"]
    assert [line[0] for line in lines[1:3]] == ["list_items", "sold_out"]
    assert lines[2][1:5] == ["✓", "success", "✓", "pass"]
    assert "list_notes" not in ran.out


def test_an_unknown_task_gets_a_suggestion(shop: Path, trueline: Any) -> None:
    assert shop.is_dir()
    ran = trueline("run", "shop", *REPLAY, SET, "--task", "sold_ou")
    assert ran.code == 3
    assert "did you mean 'sold_out'" in ran.out


def test_a_replay_without_the_exchange_names_it(shop: Path, trueline: Any) -> None:
    (shop / SET / "0002-GET-items.json").unlink()
    ran = trueline("run", "shop", *REPLAY, SET)
    assert ran.code == 3
    assert "no recorded exchange answers GET https://shop.example/items ? page=2" in " ".join(
        ran.out.split()
    )


def test_what_is_recorded_is_replayed_and_holds_no_secret(
    shop: Path, trueline: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "s3cr3t/tok+en"
    with echoing() as address:
        monkeypatch.setenv("TRUELINE_LOOPBACK_PORTS", address.rpartition(":")[2])
        given = ("--set", f"url={address}/{secret}", "--set", f"token={secret}")
        asked = ("--task", "list_notes", *given)
        ran = trueline("run", "shop", *asked, "--record", str(tmp_path / "new"))
    assert ran.code == 0, ran.out
    assert "1 exchanges recorded in" in ran.out
    kept = "".join(path.read_text() for path in (tmp_path / "new").iterdir())
    assert "tok+en" not in kept
    assert "tok%2Ben" not in kept
    assert "***" in kept
    assert shop.is_dir()
    ran = trueline("run", "shop", *asked, "--replay", str(tmp_path / "new"))
    assert ran.code == 0, ran.out


def test_options_that_exclude_each_other_are_a_usage_error(shop: Path, trueline: Any) -> None:
    assert shop.is_dir()
    assert trueline("run", "shop", "--record", "a", "--replay", "b").code == 2
    assert trueline("run", "shop", "--record-as", "https://shop.example").code == 2
    assert trueline("run", "shop", "--record", "a", "--record-as", "shop").code == 2
    assert trueline("run", "shop", "--watch", "--json").code == 2
    assert trueline("run", "shop", "--watch", "--config", "-").code == 2
    ran = trueline("run", "shop", "--replay", "nowhere")
    assert "no recorded exchange in nowhere" in ran.err


def test_a_watch_runs_again_at_changes_survives_errors_and_ends_at_ctrl_c(
    shop: Path, environ: Mapping[str, str]
) -> None:
    stock = shop / "integrations" / "shop" / "insights" / "stock.py"
    text = stock.read_text()
    command = [sys.executable, "-m", "cli.main", "run", "shop", *REPLAY, SET, "--watch"]
    env = {**environ, "PYTHONPATH": str(Path(__file__).parents[3]), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        command, cwd=shop, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as watch:
        try:
            assert "✓ pass" in read_to_wait(watch)
            stock.write_text(text.replace('["stock"]]', '["stock"] + 9]\n    1/0'))
            assert "division by zero" in read_to_wait(watch)
            stock.write_text("def (\n")
            assert "insights/stock.py:1" in read_to_wait(watch)
            stock.write_text(text.replace("not item", "item"))
            assert "✗ fail" in read_to_wait(watch)
            watch.send_signal(signal.SIGINT)
            assert watch.wait(20) == 130
        finally:
            watch.kill()


def read_to_wait(watch: "subprocess.Popen[str]") -> str:
    """Return what is printed until the watch waits; pytest's own time-out bounds it."""
    assert watch.stdout is not None
    lines = []
    for line in watch.stdout:
        lines.append(line)
        if "waiting for a change" in line:
            break
    return "".join(lines)
