"""Judges whether a careful client accepts the certificates."""

from collections.abc import Iterable, Mapping
from typing import Any

from integrations.http_endpoints.handshake import Problem
from integrations.http_endpoints.resources import judged, resource
from utils.base_runner import BaseRunner, TaskContext
from utils.decorators import task

ADVICE = {
    Problem.EXPIRED: "Renew it",
    Problem.NOT_YET_VALID: "Set the clock of who issued it, or install the one that is valid now",
    Problem.WRONG_NAME: "Issue one with this name among its subject alternative names",
    Problem.SELF_SIGNED: "Have an authority issue one, or add it to `ca_pem` if it is meant so",
    Problem.UNKNOWN_AUTHORITY: "Let the server send the intermediate certificates as well; an "
    "authority of your own belongs into `ca_pem`",
    Problem.OTHER: "Issue a new one",
}


@task(
    name="certificate_trust",
    title="Certificates are trusted",
    description="Certificates that clients refuse: expired, for another name, self-signed, unknown",
    type="insight",
    severity="high",
)
def certificate_trust(self: BaseRunner.StageTwo, ctx: TaskContext) -> dict[str, Any]:
    """Report what verification says."""
    rows = ctx.get_data("read_certificates")["certificates"]
    return judged(
        trust_resources(rows),
        "every certificate is trusted",
        "with a certificate that clients refuse",
    )


def trust_resources(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return a resource for each certificate that is not trusted."""
    return [
        resource(
            row["url"],
            f"{_told(row)}. {ADVICE[Problem(row['problem']['problem'])]}",
            **row["problem"],
            names=row["certificate"]["names"],
            issuer=row["certificate"]["issuer"],
            not_after=row["certificate"]["not_after"],
        )
        for row in rows
        if row.get("problem")
    ]


def _told(row: Mapping[str, Any]) -> str:
    certificate, problem = row["certificate"], row["problem"]
    match Problem(problem["problem"]):
        case Problem.EXPIRED:
            return f"its certificate expired on {certificate['not_after'][:10]}"
        case Problem.NOT_YET_VALID:
            return f"its certificate is not valid before {certificate['not_before'][:10]}"
        case Problem.WRONG_NAME:
            names = ", ".join(certificate["names"][:5]) or "no name at all"
            return f"its certificate is for {names}, not for {row['host']}"
        case Problem.SELF_SIGNED:
            return "its certificate is self-signed"
        case Problem.UNKNOWN_AUTHORITY:
            return f"nobody trusted stands behind its certificate, by {certificate['issuer']}"
        case _:
            return f"its certificate is refused: {problem['reason']}"
