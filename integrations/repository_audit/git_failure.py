"""What a failed git command means to whoever configured the audit."""

import re

from utils.errors import SourceError

AUTHENTICATION = re.compile(
    r"Authentication failed|could not read (Username|Password)|Permission denied"
    r"|returned error: 40[13]|terminal prompts disabled|Host key verification failed",
    re.IGNORECASE,
)
MISSING = re.compile(
    r"does not appear to be a git repository|repository .*not found|does not exist"
    r"|returned error: 404|No such file or directory",
    re.IGNORECASE,
)
UNREACHABLE = re.compile(
    r"Could not resolve host|Failed to connect|Connection (refused|timed out|reset)"
    r"|unable to access|Could not read from remote",
    re.IGNORECASE,
)


def git_failure(command: str, complaint: str) -> SourceError:
    """Turn what git wrote to stderr into an error that says what to do."""
    said = " ".join(complaint.split())[-400:]
    if AUTHENTICATION.search(complaint):
        return SourceError(
            f"the repository refused access ({said})",
            "set `token` in the deployment's config to one that may read it: "
            "the worker's own credentials are never given to a job",
        )
    if "not our ref" in complaint:
        return SourceError(
            f"the repository does not have that commit any more ({said})",
            "set `ref` to a branch, a tag or a commit that it still has",
        )
    if MISSING.search(complaint):
        return SourceError(
            f"there is no repository at the address ({said})",
            "correct `url`, or set `token` if it is private: hosts hide those from strangers",
        )
    if UNREACHABLE.search(complaint):
        return SourceError(
            f"the repository's host cannot be reached ({said})",
            "check the host in `url` and this machine's network, then run the job again",
        )
    return SourceError(
        f"git {command} failed: {said or 'it gave no reason'}",
        "run the same command by hand to see more",
    )
