import pytest

from integrations.repository_audit.address import Address, audited_address, checked_url
from utils.errors import SourceError

SOURCE = {"url": "file:///srv/source", "ref": "main", "commit": "a" * 40}


def test_without_url_and_ref_the_job_s_own_commit_is_audited() -> None:
    assert audited_address({}, SOURCE) == Address("file:///srv/source", "a" * 40)


def test_a_ref_alone_is_one_of_the_job_s_own_source() -> None:
    assert audited_address({"ref": "next"}, SOURCE) == Address("file:///srv/source", "next")


def test_another_url_begins_at_its_default_branch() -> None:
    address = audited_address({"url": " https://host.example/a/b.git "}, SOURCE)
    assert address == Address("https://host.example/a/b.git", "")


def test_no_url_anywhere_says_what_to_set() -> None:
    with pytest.raises(SourceError, match="set `url` in the deployment's config"):
        audited_address({}, {})


@pytest.mark.parametrize(
    "url",
    [
        "https://host.example/a/b.git",
        "ssh://git@host.example:22/a/b.git",
        "git@host.example:a/b.git",
        "file:///srv/source",
    ],
)
def test_https_ssh_and_file_are_taken_as_they_are(url: str) -> None:
    assert checked_url(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "ext::sh -c id",
        "ext::id",
        "http://host.example/a.git",
        "git://host.example/a.git",
        "--upload-pack=id",
        "-uid",
        "/srv/source",
        "https:///a.git",
        "https://-oProxyCommand=id/a.git",
        "-oProxyCommand=id:a",
        "https://host.example/a\nb",
        "https://[host/a",
    ],
)
def test_other_transports_and_options_are_refused(url: str) -> None:
    with pytest.raises(SourceError) as caught:
        checked_url(url)
    assert caught.value.advice


def test_a_password_in_the_url_is_refused_and_not_shown() -> None:
    with pytest.raises(SourceError, match="`token`") as caught:
        checked_url("https://ann:hunter2@host.example/a.git")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("ref", ["--output=x", "a b", "a..b", "main@{1}", "a:b", "a^", "x\ny"])
def test_a_ref_that_git_would_read_as_more_than_a_name_is_refused(ref: str) -> None:
    with pytest.raises(SourceError, match="cannot be the name"):
        audited_address({"ref": ref}, SOURCE)
