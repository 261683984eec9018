from pathlib import Path

import pytest

from worker.build_failure import BuildCause, BuildFailed
from worker.requirements import (
    LIMIT_BYTES,
    check_against_base,
    parse_requirements,
    read_base_requirements,
    read_requirements,
)

FIXTURES = Path(__file__).parents[1] / "fixtures" / "requirements"
REFUSED = {
    "other_file": (3, "-r", "put the lines of that file here"),
    "editable": (1, "-e", "publish it as a package"),
    "constraint_file": (3, "--constraint", "write the bounds into the requirement"),
    "index_url": (1, "--index-url", "UV_DEFAULT_INDEX"),
    "extra_index_url": (2, "--extra-index-url", "UV_DEFAULT_INDEX"),
    "find_links": (1, "-f", "UV_DEFAULT_INDEX"),
    "pre_releases": (1, "--pre", "remove it"),
    "global_option": (1, "--global-option", "--hash=sha256:"),
    "address": (2, "'mylib @ https://example.com/mylib-1.0.whl'", "name a package"),
    "bare_address": (1, "https://example.com", "name a package"),
    "version_control": (1, "git+https", "name a package"),
    "local_path": (1, "./vendor/mylib", "name a package"),
    "wheel_file": (1, "mylib-1.0-py3-none-any.whl", "name a package"),
    "single_equals": (2, "'boto3=1.26.0' is not a requirement", "name==1.2.3"),
    "not_a_name": (1, "'???' is not a requirement", "name==1.2.3"),
    "variable": (1, "${REQUESTS_VERSION}", "name==1.2.3"),
    "hash_without_version": (1, "no exact version", "name==1.2.3"),
    "unusable_hash": (1, "'md5:d41d8cd98f00b204e9800998ecf8427e'", "sha256"),
    "not_text": (1, "is not UTF-8 text", "UTF-8"),
}


def refusal(case: str) -> BuildFailed:
    with pytest.raises(BuildFailed) as raised:
        read_requirements(FIXTURES / case / "requirements.txt", "dns")
    return raised.value


@pytest.mark.parametrize("case", REFUSED)
def test_a_line_that_is_not_allowed_is_named_with_its_fix(case: str) -> None:
    line, named, fix = REFUSED[case]
    error = refusal(case)
    assert error.cause == BuildCause.BAD_REQUIREMENT
    assert error.line == line
    assert error.reason.startswith(f"integration 'dns': requirements.txt line {line}: ")
    assert named in error.reason
    assert fix in error.advice
    assert "secret" not in str(error)


@pytest.mark.parametrize("case", ["conflicting_pins", "conflicting_bounds"])
def test_lines_that_contradict_each_other_are_both_named(case: str) -> None:
    error = refusal(case)
    assert error.cause == BuildCause.CONFLICT
    assert error.line == (3 if case == "conflicting_pins" else 2)
    assert "in line 1" in error.reason


def test_every_fixture_is_used() -> None:
    others = {"good", "against_base", "conflicting_pins", "conflicting_bounds"}
    assert {folder.name for folder in FIXTURES.iterdir()} == {*REFUSED, *others}


def test_a_contradiction_of_the_base_requirements_says_so() -> None:
    requirements = read_requirements(FIXTURES / "against_base" / "requirements.txt", "dns")
    with pytest.raises(BuildFailed, match="base requirement 'pydantic") as raised:
        check_against_base(requirements, read_base_requirements(), "dns")
    assert raised.value.cause == BuildCause.CONFLICT
    assert raised.value.line == 3


def test_what_the_base_allows_is_accepted() -> None:
    requirements = parse_requirements("pydantic>=2.9\nrequests\n", "dns")
    check_against_base(requirements, read_base_requirements(), "dns")


def test_comments_continued_lines_and_repeated_lines_are_read() -> None:
    requirements = read_requirements(FIXTURES / "good" / "requirements.txt", "dns")
    assert [(one.bare, one.line) for one in requirements] == [
        ("boto3==1.26.0", 2),
        ("idna<4,>=3", 4),
        ("six==1.16.0", 7),
        ('tomli; python_version < "3.11"', 9),
    ]
    assert len(requirements[2].sha256) == 1


def test_a_missing_file_means_no_requirements(tmp_path: Path) -> None:
    assert read_requirements(tmp_path / "requirements.txt", "dns") == ()


def test_a_folder_in_place_of_the_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").mkdir()
    with pytest.raises(BuildFailed, match="cannot be read"):
        read_requirements(tmp_path / "requirements.txt", "dns")


def test_a_file_over_the_limit_is_refused_with_both_numbers(tmp_path: Path) -> None:
    path = tmp_path / "requirements.txt"
    path.write_bytes(b"#" * (LIMIT_BYTES + 1))
    with pytest.raises(BuildFailed, match=f"{LIMIT_BYTES + 1} bytes, over the limit of"):
        read_requirements(path, "dns")


def test_a_very_long_line_is_shown_in_part() -> None:
    with pytest.raises(BuildFailed) as raised:
        parse_requirements("x" * 50 + "?" * 1000, "dns")
    assert len(raised.value.reason) < 400


def test_the_base_requirements_have_bounded_majors() -> None:
    base = {one.name: str(one.parsed.specifier) for one in read_base_requirements()}
    assert base.keys() == {"requests", "jsonschema", "pydantic", "httpx", "httpx2"}
    assert all("<" in specifier for specifier in base.values())
