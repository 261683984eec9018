"""Whatever stands in a repository, the check ends with findings and no traceback."""

import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cli.check.checking import check_integration, check_repository
from cli.check.finding import Finding
from cli.inventory import integrations_of
from cli.reading.integration_folder import read_folder
from cli.reading.repository import BadManifest, Repository

MakeRepository = Callable[..., Repository]
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "properties", "items", "required", "default", "enum", "$ref"])
            | st.text(max_size=5),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)
FIXTURES = Path(__file__).parents[2] / "fixtures"
NO_CHECKS = [HealthCheck.function_scoped_fixture]


@settings(max_examples=60, deadline=None, suppress_health_check=NO_CHECKS)
@given(value=JSON, key=st.sampled_from(["schema", "hosts", "title", "name", "enabled", "x"]))
def test_any_json_in_an_entry(value: Any, key: str, make_repository: MakeRepository) -> None:
    list(integrations_of(make_repository(entry={key: value})))  # checks them all


@settings(max_examples=40, deadline=None, suppress_health_check=NO_CHECKS)
@given(value=JSON)
def test_any_json_as_a_manifest(value: Any, make_repository: MakeRepository) -> None:
    repository = make_repository(manifest=json.dumps(value))
    check_repository(repository)
    with suppress(BadManifest):
        list(integrations_of(repository))


@settings(max_examples=60, deadline=None, suppress_health_check=NO_CHECKS)
@given(
    start=st.integers(0, 300),
    length=st.integers(0, 60),
    between=st.sampled_from(["", "(", '"', "\\", "\n    ", "@", ": ", "lambda: ", "*", "\0", "é"]),
)
def test_any_damage_to_code(
    start: int, length: int, between: str, make_repository: MakeRepository
) -> None:
    clean = make_repository()
    files = [file for file in read_folder(clean.root, "shop").files if file.path.endswith(".py")]
    for file in files:
        damaged = file.text[:start] + between + file.text[start + length :]
        (clean.root / file.path).write_text(damaged)
    check_repository(Repository(clean.root))


@pytest.mark.parametrize("folder", ["attacks", "authoring"])
def test_broken_and_hostile_integrations_are_told_apart(folder: str) -> None:
    findings = check_repository(Repository(FIXTURES / folder))
    assert findings
    assert all(finding.line >= 1 for finding in findings)


def test_what_cannot_be_opened_as_a_file_is_passed_by(make_repository: MakeRepository) -> None:
    repository = make_repository()
    os.mkfifo(repository.root / "integrations/shop/pipe.py")
    (repository.root / "integrations/shop/folder.py").mkdir()
    assert {finding.rule.id for finding in check_repository(repository)} == {"page-stale"}


def test_a_folder_that_leads_outside_is_not_read(make_repository: MakeRepository) -> None:
    repository = make_repository()
    outside = repository.root.parent / "outside"
    outside.mkdir()
    (outside / "entry.py").write_text("def broken(:\n")
    (repository.root / "integrations/far").symlink_to(outside)
    found = check_repository(repository)
    rules = {it.rule.id for it in found if it.path.startswith("integrations/far")}
    assert "link-outside" in rules
    assert "syntax" not in rules


def test_of_one_integration_its_entry_and_its_folder_are_told(
    make_repository: MakeRepository,
) -> None:
    entries = [
        {"name": "other", "title": "Other"},
        {"name": "shop", "title": "Shop"},
    ]
    repository = make_repository(
        {"requirements.txt": "boto3\n"}, manifest=json.dumps(entries, indent=1)
    )
    found = check_integration(repository, "shop")
    assert [(it.path, it.rule.id) for it in found if it.rule.id != "page-stale"] == [
        ("integrations.json", "hosts-missing"),
        ("integrations/shop/requirements.txt", "requirement-unpinned"),
    ]


def test_findings_are_in_the_order_of_files_and_lines(
    check: Callable[..., list[Finding]],
) -> None:
    found = check({"collectors/b.py": "import redis\nimport boto9\n", "a.py": "import redis\n"})
    assert [(it.path.rpartition("/")[2], it.line) for it in found] == [
        ("a.py", 1),
        ("b.py", 1),
        ("b.py", 2),
    ]
