from pathlib import Path
from typing import Any

import pytest


def test_settings_say_where_each_value_comes_from_and_mask_secrets(
    trueline: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "trueline.toml"
    file.write_text('sync_seconds = 60\ntoken = "s3cret"\n')
    monkeypatch.setenv("TRUELINE_LEASE_SECONDS", "9")
    ran = trueline("settings", "--json", "--api-port", "9000", "--settings", str(file))
    rows = {row["setting"]: (row["value"], row["from"]) for row in ran.json["settings"]}
    assert rows["TRUELINE_API_PORT"] == (9000, "--api-port")
    assert rows["TRUELINE_LEASE_SECONDS"] == (9.0, "TRUELINE_LEASE_SECONDS")
    assert rows["TRUELINE_SYNC_SECONDS"] == (60.0, f"sync_seconds ({file}:1)")
    assert rows["TRUELINE_TOKEN"] == ("********", f"token ({file}:2)")
    assert rows["TRUELINE_ISOLATION"][1] == "default"
    assert "s3cret" not in ran.out + ran.err


def test_settings_are_a_table_for_people(trueline: Any) -> None:
    ran = trueline("settings")
    assert ran.code == 0
    assert "TRUELINE_API_PORT" in ran.out
    assert "default" in ran.out


def test_unknown_flag_is_refused_with_a_suggestion(trueline: Any) -> None:
    ran = trueline("settings", "--api-prot", "1")
    assert ran.code == 2
    assert "did you mean '--api-port'" in ran.err
