import pytest

from worker.requirement import Requirement, as_requirements, contradict

SHA = "sha256:" + "a" * 64
OTHER_SHA = "sha256:" + "b" * 64


@pytest.mark.parametrize(
    "spelling",
    [
        "Boto3[crt, s3]>=1.2,<2",
        "boto3 [s3,crt] <2, >=1.2",
        "  BOTO3[s3 , crt]<2,>=1.2  ",
    ],
)
def test_spellings_of_one_requirement_have_one_form(spelling: str) -> None:
    assert Requirement(spelling) == "boto3[crt,s3]<2,>=1.2"


def test_hashes_are_sorted_and_counted_once() -> None:
    requirement = Requirement(f"six==1.0 --hash={OTHER_SHA} --hash {SHA} --hash={SHA}")
    assert requirement == f"six==1.0 --hash={SHA} --hash={OTHER_SHA}"
    assert requirement.bare == "six==1.0"
    assert requirement.sha256 == (SHA, OTHER_SHA)


def test_a_requirement_knows_its_line_which_is_not_part_of_its_form() -> None:
    requirement = Requirement("six", 7)
    assert requirement.line == 7
    assert requirement == Requirement("six", 2)


def test_requirements_that_were_read_keep_their_lines() -> None:
    read = Requirement("six", 7)
    assert [one.line for one in as_requirements([read, "idna"])] == [7, 0]


@pytest.mark.parametrize(
    ("text", "version"),
    [("six==1.0", "1.0"), ("six===1.0", "1.0"), ("six==1.*", None), ("six>=1", None)],
)
def test_only_an_exact_version_is_a_pin(text: str, version: str | None) -> None:
    assert Requirement(text).pinned == version


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("six==1.0", "six==2.0", True),
        ("six==1.0", "six>=1.5", True),
        ("six<1", "six==1.0", True),
        ("six==1.0", "six>=1,<2", False),
        ("six==2.0b1", "six>=1", False),
        ("six==1.0", "idna==2.0", False),
        ("six==1.0; python_version<'3'", "six==2.0", False),
    ],
)
def test_a_pin_contradicts_what_does_not_allow_it(one: str, other: str, *, expected: bool) -> None:
    assert contradict(Requirement(one), Requirement(other)) is expected
