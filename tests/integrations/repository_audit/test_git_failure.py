import pytest

from integrations.repository_audit.git_failure import git_failure


@pytest.mark.parametrize(
    ("complaint", "reason", "advice"),
    [
        ("fatal: Authentication failed for 'https://h/'", "refused access", "`token`"),
        ("fatal: could not read Username for 'https://h'", "refused access", "`token`"),
        ("git@h: Permission denied (publickey).", "refused access", "never given to a job"),
        ("remote: upload-pack: not our ref 1234", "not have that commit", "set `ref`"),
        ("fatal: '/x' does not appear to be a git repository", "no repository", "correct `url`"),
        ("fatal: repository 'https://h/x/' not found", "no repository", "set `token`"),
        ("fatal: unable to access: Could not resolve host: h", "cannot be reached", "network"),
        ("fatal: bad tree", "git fetch failed: fatal: bad tree", "by hand"),
        ("", "git fetch failed: it gave no reason", "by hand"),
    ],
)
def test_what_git_says_becomes_a_reason_and_a_next_step(
    complaint: str, reason: str, advice: str
) -> None:
    error = git_failure("fetch", complaint)
    assert reason in error.reason
    assert advice in error.advice
