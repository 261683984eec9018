import pytest

from utils.git_errors import SHOWN_CHARACTERS, GitFailure, git_error, shown_words

SAID = {
    "fatal: unable to access 'https://h/r/': Could not resolve host: h": GitFailure.UNREACHABLE,
    "ssh: Could not resolve hostname h: Name or service not known": GitFailure.UNREACHABLE,
    "fatal: unable to access 'https://h/': Failed to connect to h port 1": GitFailure.UNREACHABLE,
    "fatal: Authentication failed for 'https://h/r/'": GitFailure.AUTHENTICATION,
    "fatal: could not read Username for 'https://h': terminal prompts disabled": (
        GitFailure.AUTHENTICATION
    ),
    "git@h: Permission denied (publickey).": GitFailure.AUTHENTICATION,
    "The requested URL returned error: 403": GitFailure.AUTHENTICATION,
    "Host key verification failed.\nfatal: Could not read from remote": GitFailure.HOST_KEY,
    "SSL certificate problem: unable to get local issuer certificate": GitFailure.CERTIFICATE,
    "remote: Repository not found.\nfatal: repository 'https://h/' not found": GitFailure.NOT_FOUND,
    "fatal: '/x' does not appear to be a git repository": GitFailure.NOT_FOUND,
    "fatal: couldn't find remote ref refs/heads/x": GitFailure.REF_MISSING,
    "fatal: remote error: upload-pack: not our ref 00": GitFailure.REF_MISSING,
    "fatal: detected dubious ownership in repository at '/x'": GitFailure.OWNERSHIP,
    "fatal: not a git repository: '/x'": GitFailure.NOT_A_REPOSITORY,
    "error: file write error: No space left on device": GitFailure.NO_ROOM,
    "fatal: something new": GitFailure.OTHER,
}


@pytest.mark.parametrize("said", SAID)
def test_git_s_words_are_understood(said: str) -> None:
    error = git_error("source x", said.encode())
    assert error.failure is SAID[said]
    assert error.reason.startswith("source x: ")
    assert error.advice


def test_every_failure_has_advice() -> None:
    assert all(git_error("x", b"").advice for _ in GitFailure)


def test_secrets_never_show_in_any_form() -> None:
    text = "bad a/b+c and a%2Fb%2Bc and https://u:pw@host/r?token=q1 end"
    cleaned = shown_words(text, ["a/b+c"])
    assert cleaned == "bad *** and *** and https://host/r end"


def test_control_characters_are_neutralised_and_the_text_is_bounded() -> None:
    cleaned = shown_words("one\x1b[31m\r\ntwo\0" + "x" * 5000)
    assert cleaned.isprintable()
    assert len(cleaned) == SHOWN_CHARACTERS + 1
