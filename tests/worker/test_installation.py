from pathlib import Path

import pytest

from worker.diagnosis import Order
from worker.installation import wheels_only, write_requirement_files
from worker.requirement import Requirement, as_requirements

SHA = "sha256:" + "a" * 64


def test_requirements_stand_in_the_lines_that_their_author_gave_them(tmp_path: Path) -> None:
    ours = (Requirement(f"six==1.0 --hash={SHA}", 4), Requirement("idna", 2))
    order = Order("dns", ours, as_requirements(["requests"]))
    assert write_requirement_files(tmp_path, order) == (
        "requirements.txt",
        "base_requirements.txt",
    )
    assert (tmp_path / "requirements.txt").read_text() == "\nidna\n\nsix==1.0\n"
    assert (tmp_path / "base_requirements.txt").read_text() == "requests\n"


def test_requirements_whose_lines_are_not_known_follow_one_another(tmp_path: Path) -> None:
    write_requirement_files(tmp_path, Order("dns", as_requirements(["six", "idna"]), ()))
    assert (tmp_path / "requirements.txt").read_text() == "six\nidna\n"


@pytest.mark.parametrize(
    ("source_builds", "options"), [(False, ("--only-binary", ":all:")), (True, ())]
)
def test_build_code_runs_only_where_it_is_allowed(
    *, source_builds: bool, options: tuple[str, ...]
) -> None:
    assert wheels_only(source_builds=source_builds) == options
