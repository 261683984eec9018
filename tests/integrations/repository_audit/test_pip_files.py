import pytest

from integrations.repository_audit.pip_files import included_files, is_pip_file, read_pip_file
from integrations.repository_audit.wanted import Origin

LOCKED = """\
# compiled
certifi==2026.1.1 \\
    --hash=sha256:aaaa \\
    --hash=sha256:bbbb
    # via requests
idna==3.10 --hash=sha256:cccc
"""


@pytest.mark.parametrize(
    "path",
    [
        "requirements.txt",
        "a/b/requirements.txt",
        "requirements-dev.txt",
        "dev-requirements.txt",
        "Requirements_Test.txt",
        "requirements/base.txt",
        "constraints.txt",
        "constraints/3.11.txt",
    ],
)
def test_files_for_pip_are_known_by_their_name(path: str) -> None:
    assert is_pip_file(path)


@pytest.mark.parametrize(
    "path",
    ["requirements.in", "requirements/README.md", "my_requirements.py", "notes.txt", "txt"],
)
def test_other_files_are_left_alone(path: str) -> None:
    assert not is_pip_file(path)


def test_continued_lines_keep_the_number_of_their_first() -> None:
    found = read_pip_file("requirements.txt", LOCKED)
    assert [(item.name, item.place.line, item.hashed) for item in found] == [
        ("certifi", 2, True),
        ("idna", 6, True),
    ]


def test_options_comments_and_includes_are_no_requirements() -> None:
    text = (
        "\ufeff--index-url https://host.example\n-r other.txt\n\n# x\na==1 # why\n-c limits.txt\n"
    )
    assert [item.name for item in read_pip_file("requirements.txt", text)] == ["a"]


def test_an_editable_requirement_is_read_as_what_it_installs() -> None:
    text = "-e .\n--editable=git+https://host.example/a.git@main\n"
    here, there = read_pip_file("requirements.txt", text)
    assert here.local
    assert (there.local, there.pinned) == (False, False)


def test_a_line_that_ends_with_a_backslash_at_the_end_of_the_file_counts() -> None:
    assert [item.name for item in read_pip_file("requirements.txt", "a==1\\")] == ["a"]


@pytest.mark.parametrize(
    ("path", "origin"),
    [
        ("constraints.txt", Origin.CONSTRAINTS),
        ("constraints/all.txt", Origin.CONSTRAINTS),
        ("requirements/all.txt", Origin.REQUIREMENTS),
    ],
)
def test_constraints_are_told_from_requirements(path: str, origin: Origin) -> None:
    assert [item.place.origin for item in read_pip_file(path, "a<2")] == [origin]


def test_included_files_are_paths_from_the_root_and_stay_inside() -> None:
    text = (
        "-r base.txt\n-rnear.txt\n--requirement=../top.txt\n--constraint limits.txt\n"
        "-r ../../../etc/passwd\n-r /etc/passwd\n"
    )
    assert included_files("deps/dev.txt", text) == [
        "deps/base.txt",
        "deps/near.txt",
        "top.txt",
        "deps/limits.txt",
    ]
