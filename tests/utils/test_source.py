from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from utils.errors import SourceError
from utils.settings import read_settings
from utils.source import Source, check_ref, parse_source, source_from_settings, strip_url

COMMIT = "a" * 40


@pytest.mark.parametrize(
    ("given", "plain"),
    [
        ("https://host/o/r.git", "https://host/o/r.git"),
        ("https://host:8443/r", "https://host:8443/r"),
        ("ssh://git@host/o/r.git", "ssh://git@host/o/r.git"),
        ("ssh://git@host:2222/o/r", "ssh://git@host:2222/o/r"),
        ("ssh://host/r", "ssh://host/r"),
        ("git@host:o/r.git", "git@host:o/r.git"),
        ("https://[::1]:8443/r", "https://[::1]:8443/r"),
        ("file:///srv/r", "file:///srv/r"),
        ("file://localhost/srv/r", "file:///srv/r"),
        ("/srv/a b?#", "file:///srv/a%20b%3F%23"),
    ],
)
def test_allowed_urls_get_their_plain_form(given: str, plain: str) -> None:
    source, _ = parse_source(given)
    assert source.url == source.shown == plain
    assert Source(plain) == source


@pytest.mark.parametrize(
    "url",
    [
        "ext::sh -c touch% /tmp/x",
        "ext::sh@h:x",
        "a@ext::x",
        "fd::7",
        "http://host/r",
        "git://host/r",
        "ftp://host/r",
        "--upload-pack=touch /tmp/x",
        "-x@host:r",
        "git@-oProxyCommand=x:r",
        "git@host:-r",
        "ssh://-oProxyCommand=x/r",
        "ssh://-l@host/r",
        "ssh://git@host/-r",
        "ssh://git:pw@host/r",
        "ssh://git@host/",
        "https:///r",
        "https://host:99999/r",
        "https://host:x/r",
        "https://ho st/r",
        "https://host/r\n",
        "https://host/\x1b[31m",
        " https://host/r",
        "https://u:%0Apw@host/r",
        "https://host/r?private_token=x",
        "https://host/r#x",
        "file://other/srv",
        "file:srv",
        "relative/path",
        "~/r",
        "C:\\r",
        "https:host",
        "",
        "https://[::1/r",
    ],
)
def test_anything_else_is_refused_with_advice(url: str) -> None:
    with pytest.raises(SourceError) as refused:
        parse_source(url)
    assert refused.value.advice
    assert refused.value.reason.isprintable()


def test_a_password_moves_into_the_credentials_and_is_never_shown() -> None:
    source, credentials = parse_source("https://ada:p%40ss@host:1/r")
    assert source.url == "https://host:1/r"
    assert credentials.login() == ("ada", "p@ss")
    assert credentials.origin == "host:1"
    assert "p@ss" not in repr((source, credentials))


@pytest.mark.parametrize(
    "url", ["https://ada:pw@host/r?x", "http://ada:pw@host/r", "ssh://ada:pw@host/r", "x:pw@h:r"]
)
def test_a_refusal_never_shows_a_password(url: str) -> None:
    with pytest.raises(SourceError) as refused:
        parse_source(url)
    assert "pw" not in str(refused.value)


@given(st.text(max_size=60))
def test_no_url_makes_anything_but_a_source_error(text: str) -> None:
    try:
        source, _ = parse_source(text)
    except SourceError:
        return
    assert source.url.startswith(("https://", "ssh://", "file:///")) or "@" in source.url
    assert not source.url.startswith("-")


def test_a_source_itself_takes_no_secret() -> None:
    with pytest.raises(SourceError):
        Source("https://ada:pw@host/r")


@pytest.mark.parametrize("ref", ["HEAD", "main", "feature/x", "v1.0", "refs/heads/main", COMMIT])
def test_usable_refs(ref: str) -> None:
    check_ref(ref)


@pytest.mark.parametrize(
    "ref",
    [
        "--upload-pack=x",
        "-x",
        "a..b",
        "a b",
        "a~1",
        "a^",
        "a:b",
        "a?",
        "a*",
        "a[",
        "a\\b",
        "@",
        "a@{1}",
        "/a",
        "a/",
        "a//b",
        ".a",
        "a/.b",
        "a.lock",
        "a.",
        "a\n",
        "",
        "x" * 2000,
    ],
)
def test_unusable_refs_are_refused(ref: str) -> None:
    with pytest.raises(SourceError) as refused:
        check_ref(ref)
    assert "TRUELINE_SOURCE_REF" in refused.value.advice


def test_a_full_commit_id_is_a_commit() -> None:
    assert parse_source("/r", COMMIT.upper())[0].commit == COMMIT
    assert parse_source("/r", "abc123")[0].commit is None


def test_settings_give_source_and_credentials(tmp_path: Path) -> None:
    settings = read_settings(
        {
            "TRUELINE_SOURCE_URL": "https://ada@host/r",
            "TRUELINE_SOURCE_TOKEN_FILE": "token",
            "TRUELINE_SOURCE_REF": "v1",
        },
        tmp_path,
    )
    (tmp_path / "token").write_text("abc\n")
    source, credentials = source_from_settings(settings)
    assert source == Source("https://host/r", "v1")
    assert credentials.login() == ("ada", "abc")


def test_no_source_at_all_says_what_to_set(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no source is set"):
        source_from_settings(read_settings({}, tmp_path))


def test_strip_url_of_a_broken_one() -> None:
    assert strip_url("https://a@b:pw@host/r?x=1") == "https://host/r"
    assert strip_url("ada:pw@host:r") == "host:r"
