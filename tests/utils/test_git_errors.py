import pytest

from utils.git_errors import SHOWN_CHARACTERS, Failure, clean_text, git_error

SAID = {
    "fatal: unable to access 'https://h/r/': Could not resolve host: h": Failure.UNREACHABLE,
    "ssh: Could not resolve hostname h: Name or service not known": Failure.UNREACHABLE,
    "fatal: unable to access 'https://h/': Failed to connect to h port 1": Failure.UNREACHABLE,
    "fatal: Authentication failed for 'https://h/r/'": Failure.AUTHENTICATION,
    "fatal: could not read Username for 'https://h': terminal prompts disabled": (
        Failure.AUTHENTICATION
    ),
    "git@h: Permission denied (publickey).": Failure.AUTHENTICATION,
    "The requested URL returned error: 403": Failure.AUTHENTICATION,
    "Host key verification failed.\nfatal: Could not read from remote": Failure.HOST_KEY,
    "SSL certificate problem: unable to get local issuer certificate": Failure.CERTIFICATE,
    "remote: Repository not found.\nfatal: repository 'https://h/r/' not found": Failure.NOT_FOUND,
    "fatal: '/x' does not appear to be a git repository": Failure.NOT_FOUND,
    "fatal: couldn't find remote ref refs/heads/x": Failure.REF_MISSING,
    "fatal: remote error: upload-pack: not our ref 00": Failure.REF_MISSING,
    "fatal: detected dubious ownership in repository at '/x'": Failure.OWNERSHIP,
    "fatal: not a git repository: '/x'": Failure.NOT_A_REPOSITORY,
    "error: file write error: No space left on device": Failure.NO_ROOM,
    "fatal: something new": Failure.OTHER,
}


@pytest.mark.parametrize("said", SAID)
def test_git_s_words_are_understood(said: str) -> None:
    error = git_error("source x", said.encode())
    assert error.failure is SAID[said]
    assert error.reason.startswith("source x: ")
    assert error.advice


def test_every_failure_has_advice() -> None:
    assert all(git_error("x", b"").advice for _ in Failure)


def test_secrets_never_show_in_any_form() -> None:
    text = "bad a/b+c and a%2Fb%2Bc and https://u:pw@host/r?token=q1 end"
    cleaned = clean_text(text, ["a/b+c"])
    assert cleaned == "bad *** and *** and https://host/r end"


def test_control_characters_are_neutralised_and_the_text_is_bounded() -> None:
    cleaned = clean_text("one\x1b[31m\r\ntwo\0" + "x" * 5000)
    assert cleaned.isprintable()
    assert len(cleaned) == SHOWN_CHARACTERS + 1
