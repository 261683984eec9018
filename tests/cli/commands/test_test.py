"""Tests of `trueline test`, in real environments with pytest."""

import json
from pathlib import Path
from typing import Any

from utils.quality import quality_of

QUIET = """
import requests
from utils.decorators import task


@task(name="list_notes", title="List notes", description="Hides what goes wrong.")
def list_notes(self, ctx):
    try:
        return {"data": {"notes": requests.get(f"{ctx.base('url')}/notes", timeout=30).json()}}
    except (requests.RequestException, ValueError):
        return {"data": {"notes": []}}
"""


def folder_of(shop: Path) -> Path:
    return shop / "integrations" / "shop"


def test_a_good_integration_has_a_matrix_without_a_quiet_cell_and_its_quality_is_kept(
    shop: Path, trueline: Any
) -> None:
    ran = trueline("test", "shop", "--faults", "--json")

    assert ran.code == 0, ran.err
    assert "6 passed" in ran.err
    cells = {row["exchange"]: row["cells"] for row in ran.json["matrix"]["rows"]}
    assert cells["0001 GET /items"] == {
        "401": "failed (auth)",
        "403": "failed (auth)",
        "429": "failed (rate_limited) ↻",
        "500": "failed (temporary) ↻",
        "timeout": "failed (temporary) ↻",
        "refused": "failed (temporary) ↻",
        "cut off": "failed (temporary) ↻",
        "not JSON": "failed (permanent)",
        "no next page": "failed (permanent)",
    }
    assert "no next page" not in cells["0002 GET /items?page=2".partition("?")[0]]
    assert set(cells["0003 GET /notes"].values()) == {"partial"}
    assert ran.json["tests"] == {"passed": 6, "failed": 0, "skipped": 0}
    quality = quality_of(folder_of(shop))
    assert quality is not None
    assert quality.is_fresh
    assert quality.matrix["quiet"] == []
    assert list(folder_of(shop).rglob("__pycache__")) == []


def test_a_quiet_success_and_a_failed_test_are_told_and_exit_with_3(
    shop: Path, trueline: Any
) -> None:
    (folder_of(shop) / "collectors" / "notes.py").write_text(QUIET)
    tests = folder_of(shop) / "tests" / "test_shop.py"
    tests.write_text("def test_it():\n    assert 'lamp' == 'chair'\n")

    ran = trueline("test", "shop", "--faults")

    assert ran.code == 3
    assert "assert 'lamp' == 'chair'" in ran.out
    assert "QUIET 0003 GET /notes (list_notes) x timeout" in ran.out
    assert "for bronze:" in ran.out
    assert "1 test failed" in ran.out


def test_without_faults_nothing_is_written(shop: Path, trueline: Any) -> None:
    ran = trueline("test", "shop")

    assert ran.code == 0
    assert "6 passed" in ran.out
    assert not (folder_of(shop) / "quality.json").exists()


def test_an_integration_that_does_not_load_says_why(shop: Path, trueline: Any) -> None:
    (folder_of(shop) / "entry.py").write_text("def (\n")

    ran = trueline("test", "shop")

    assert ran.code == 3
    assert "entry.py:1" in ran.err


def test_a_config_that_leads_elsewhere_is_told(shop: Path, trueline: Any) -> None:
    config = folder_of(shop) / "tests" / "config.json"
    config.write_text(json.dumps({"url": "https://other.example", "token": "x"}))

    ran = trueline("test", "shop", "--faults")

    assert ran.code != 0
    assert "no recorded exchange answers GET https://other.example/items" in ran.err
    assert "tests/config.json" in ran.err
