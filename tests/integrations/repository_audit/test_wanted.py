import pytest

from integrations.repository_audit.wanted import Origin, Place, Wanted, parse_wanted

PLACE = Place("requirements.txt", 3, Origin.REQUIREMENTS)
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def parsed(text: str) -> Wanted:
    return parse_wanted(text, PLACE)


@pytest.mark.parametrize(
    "text",
    [
        "requests==2.32.0",
        "requests[socks]==2.32.0 ; python_version < '3.13'",
        "requests===2.32.0",
        "requests>=2,==2.32.0",
        "requests @ https://files.example/requests-2.32.0.whl",
        f"git+https://host.example/a/b.git@{COMMIT}",
        f"requests @ git+https://host.example/a/b.git@{COMMIT}#subdirectory=x",
        "https://files.example/requests-2.32.0.tar.gz",
    ],
)
def test_one_version_or_one_commit_is_pinned(text: str) -> None:
    assert parsed(text).pinned


@pytest.mark.parametrize(
    "text",
    [
        "requests",
        "requests>=2",
        "requests~=2.32.0",
        "requests==2.*",
        "git+https://host.example/a/b.git",
        "git+https://host.example/a/b.git@main",
        "requests @ git+https://host.example/a/b.git@v1",
    ],
)
def test_a_range_or_a_branch_is_not_pinned(text: str) -> None:
    assert not parsed(text).pinned


@pytest.mark.parametrize(
    "text", [".", "..", ".[dev]", "./lib", "../lib", "/srv/lib", "file:///lib"]
)
def test_what_lies_in_the_repository_is_local(text: str) -> None:
    assert parsed(text).local


def test_names_are_compared_as_the_index_does() -> None:
    assert parsed("Foo_Bar.baz>=1,<2").name == "foo-bar-baz"
    assert parsed("Foo_Bar.baz>=1,<2").specifier == "<2,>=1"


@pytest.mark.parametrize(
    "text",
    [
        "private @ https://ann:hunter2@host.example/p.whl",
        "git+https://ghost:hunter2@host.example/a.git@main",
        "https://hunter2@host.example/p.tar.gz",
        "??? https://ann:hunter2@host.example",
    ],
)
def test_credentials_of_an_address_are_not_kept(text: str) -> None:
    assert "hunter2" not in repr(parsed(text))


@pytest.mark.parametrize("text", ["requests=2.0", "{{ package }}", "requests 2.0", "==1"])
def test_what_is_no_requirement_comes_back_with_its_problem(text: str) -> None:
    wanted = parsed(text)
    assert wanted.problem
    assert "\n" not in wanted.problem
    assert not wanted.name
