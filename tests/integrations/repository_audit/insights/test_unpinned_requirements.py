from __future__ import annotations

from typing import TYPE_CHECKING, Any

from integrations.repository_audit.insights.unpinned_requirements import requirement_resources
from integrations.repository_audit.pip_files import read_pip_file
from integrations.repository_audit.pyproject_files import read_pyproject

if TYPE_CHECKING:
    from tests.integrations.repository_audit.conftest import Audit

NAME = "unpinned_requirements"


def wanted(path: str, text: str) -> list[dict[str, Any]]:
    read = read_pyproject if path.endswith(".toml") else read_pip_file
    return [{**vars(item), **vars(item.place)} for item in read(path, text)]


def judged(files: dict[str, str], *lock_files: str) -> list[tuple[str, str | None]]:
    requirements = [item for path, text in files.items() for item in wanted(path, text)]
    found = requirement_resources(requirements, lock_files)
    return [(resource["id"], resource["severity"]) for resource in found]


def test_pinned_requirements_pass(sound_audit: Audit) -> None:
    assert sound_audit.verdict(NAME) == "pass"


def test_an_unpinned_requirement_fails_with_what_to_do(unsound_audit: Audit) -> None:
    result = unsound_audit.tasks[NAME]
    assert (result["verdict"], result["severity"]) == ("fail", "medium")
    assert unsound_audit.ids(NAME) == ["requirements.txt:idna"]
    assert "Pin it with ==" in result["resources"][0]["message"]


def test_an_incomplete_or_missing_reading_is_unknown(
    cut_short_audit: Audit, blind_audit: Audit
) -> None:
    assert cut_short_audit.verdict(NAME) == "unknown"
    assert blind_audit.verdict(NAME) == "unknown"


def test_a_constraint_a_hash_or_a_local_path_holds_a_requirement_in_place() -> None:
    requirements = "a\nb>=1\nc --hash=sha256:x\n-e .\n"
    files = {"requirements.txt": requirements, "constraints.txt": "A==1\n"}
    assert judged(files) == [("requirements.txt:b", None)]


def test_one_in_tests_and_examples_matters_less() -> None:
    assert judged({"examples/requirements.txt": "a\n"}) == [("examples/requirements.txt:a", "low")]


def test_what_tests_read_is_not_judged() -> None:
    assert judged({"tests/fixtures/bad/requirements.txt": "a\nb=1\n"}) == []


def test_a_name_is_one_finding_a_file() -> None:
    text = "a>=1; python_version<'3.9'\na>=2; python_version>='3.9'\n"
    assert judged({"requirements.txt": text}) == [("requirements.txt:a", None)]


def test_a_package_s_own_ranges_are_right_and_no_bound_is_not() -> None:
    text = '[project]\ndependencies = ["a>=1", "b"]\n[dependency-groups]\ntest = ["c"]\n'
    assert judged({"pyproject.toml": text}) == [
        ("pyproject.toml::b", "low"),
        ("pyproject.toml:test:c", "low"),
    ]


def test_a_lock_file_beside_or_above_holds_them() -> None:
    text = '[project]\ndependencies = ["b"]\n'
    assert judged({"pyproject.toml": text}, "uv.lock") == []
    assert judged({"lib/a/pyproject.toml": text}, "lib/uv.lock") == []
    assert judged({"lib/pyproject.toml": text}, "other/uv.lock") != []
    assert judged({"pyproject.toml": text, "requirements/all.txt": "b==1\n"}) == []


def test_what_a_build_needs_is_not_judged() -> None:
    assert judged({"pyproject.toml": '[build-system]\nrequires = ["setuptools"]\n'}) == []


def test_a_line_that_pip_refuses_is_a_finding_outside_of_samples() -> None:
    files = {"requirements.txt": "a=1\n", "tests/requirements.txt": "a=1\n"}
    ((found, severity),) = judged(files)
    assert found.startswith("requirements.txt:unreadable:")
    assert severity == "low"
