import pytest

from api.forges import Forge, Pushed, keys_of, pushed, shown, why_ignored

SOURCE = "https://git.example.com/acme/checks.git"


def push(*urls: str, ref: str = "refs/heads/main", default: str | None = "main") -> Pushed:
    return Pushed(ref, default, urls)


@pytest.mark.parametrize(
    "url",
    [
        SOURCE,
        "https://git.example.com/acme/checks",
        "https://GIT.example.com/Acme/Checks/",
        "git@git.example.com:acme/checks.git",
        "ssh://git@git.example.com:2222/acme/checks.git",
        "https://user:token@git.example.com/acme/checks.git",
    ],
)
def test_addresses_of_one_repository_are_the_same(url: str) -> None:
    assert why_ignored(push("https://else.example/", url), SOURCE, "HEAD") is None
    assert why_ignored(push(SOURCE), url, "HEAD") is None


@pytest.mark.parametrize(
    "url",
    [
        "https://git.example.com/acme/checks2",
        "https://git.example.com/evil/acme/checks",
        "https://evil.example.com/acme/checks",
        "https://git.example.com.evil/acme/checks",
        "https://[bad/acme/checks",
        "",
    ],
)
def test_other_repositories_are_others(url: str) -> None:
    assert "another repository" in str(why_ignored(push(url), SOURCE, "HEAD"))


@pytest.mark.parametrize(
    ("source_ref", "ref", "default", "concerns"),
    [
        ("HEAD", "refs/heads/main", "main", True),
        ("HEAD", "refs/heads/other", "main", False),
        ("HEAD", "refs/heads/other", None, True),
        ("release", "refs/heads/release", "main", True),
        ("release", "refs/heads/main", "main", False),
        ("refs/heads/release", "refs/heads/release", "main", True),
        ("v1", "refs/tags/v1", "main", True),
        ("1f2e3d", "refs/heads/main", "main", False),
    ],
)
def test_push_concerns_the_ref_that_the_source_follows(
    source_ref: str, ref: str, default: str | None, *, concerns: bool
) -> None:
    told = why_ignored(push(SOURCE, ref=ref, default=default), SOURCE, source_ref)
    assert (told is None) is concerns


def test_push_of_gitlab_names_its_project() -> None:
    content = {
        "ref": "refs/heads/main",
        "project": {"git_http_url": SOURCE, "default_branch": "main", "homepage": 3},
        "repository": ["no object"],
    }
    assert pushed(content) == push(SOURCE)


@pytest.mark.parametrize("content", [None, [], "ref", {}, {"ref": None}, {"ref": ["main"]}])
def test_what_is_no_push_is_none(content: object) -> None:
    assert pushed(content) is None


def test_message_is_known_by_its_id_and_by_what_is_signed() -> None:
    id_header = {Forge.GITHUB: "X-GitHub-Delivery", Forge.GITEA: "X-Gitea-Delivery"}
    id_header |= {Forge.GITLAB: "Idempotency-Key"}
    keys = {forge: keys_of(forge, {name: "1"}, b"b") for forge, name in id_header.items()}
    assert [len(keys[forge]) for forge in (Forge.GITHUB, Forge.GITEA, Forge.GITLAB)] == [2, 2, 1]
    assert len({key for found in keys.values() for key in found}) == 5
    assert keys_of(Forge.GITHUB, {}, b"b") == ()


def test_what_somebody_sent_is_shown_on_one_line_and_cut() -> None:
    assert shown("a\r\nb\x1b[31m\u2028c\x00") == "a??b?[31m?c?"
    assert len(shown("x" * 10_000)) == 200
