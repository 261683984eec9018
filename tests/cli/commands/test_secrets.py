from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

SET = ("--set", "token=hunter2")


@pytest.fixture
def kept(environ: Mapping[str, str]) -> Path:
    """Return the key file of the running API."""
    return Path(environ["TRUELINE_DATA_DIR"]) / "secret.key"


def test_rotation_beside_a_running_api(live: Any, kept: Path) -> None:
    assert live("deploy", "nap", "--name", "sealed", *SET).code == 0
    before = kept.read_text()
    (old,) = live("secrets", "status", "--json").json["keys"]
    ran = live("secrets", "rotate")
    assert (ran.code, old["id"] in ran.out) == (0, True)
    assert len(kept.read_text().split()) == 1
    assert kept.read_text() != before
    (now,) = live("secrets", "status", "--json").json["keys"]
    assert now["id"] != old["id"]
    assert now["sealed_values"] == old["sealed_values"] >= 1
    assert f"{now['id']}  here" in live("secrets", "status").out
    assert live("scan", "sealed", "--wait").code == 0
    assert live("deploy", "nap", "--name", "sealed too", *SET).code == 0
    assert live("secrets", "rotate", "--json").json["resealed"] >= 2


def test_key_is_printed_and_nothing_changed(live: Any, kept: Path) -> None:
    before = kept.read_text() if kept.exists() else ""
    keys = {live("secrets", "key").out.strip() for _ in range(2)}
    keys.add(live("secrets", "key", "--json").json["key"])
    assert [len(key) for key in keys] == [44, 44, 44]
    assert (kept.read_text() if kept.exists() else "") == before


def test_key_that_is_there_cannot_be_forgotten(live: Any) -> None:
    live("deploy", "nap", "--name", "remembered", *SET)
    (key,) = live("secrets", "status", "--json").json["keys"]
    ran = live("secrets", "forget", key["id"])
    assert (ran.code, "not lost" in ran.err) == (3, True)


def test_database_that_no_api_has_made_is_told(
    trueline: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setenv("TRUELINE_DATA_DIR", str(tmp_path))
    ran = trueline("secrets", "status")
    assert (ran.code, "start the API" in ran.err) == (3, True)
