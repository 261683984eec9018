"""Judges what the scan found: a secret that was committed is a secret that leaked."""

from collections.abc import Iterable, Mapping
from typing import Any

from integrations.repository_audit.resources import counted, judged, resource
from integrations.repository_audit.secret_finding import Confidence
from utils.base_runner import BaseRunner, TaskContext
from utils.decorators import task


@task(
    name="committed_secrets",
    title="No committed secrets",
    description="Passwords, tokens and keys in the audited commit",
    type="insight",
    severity="critical",
)
def committed_secrets(self: BaseRunner.StageTwo, ctx: TaskContext) -> dict[str, Any]:
    """Report every finding, except weak ones in tests, examples and documentation."""
    findings = ctx.get_data("scan_secrets")["findings"]
    leaked = [finding for finding in findings if finding["confidence"] != Confidence.LOW]
    weak = len(findings) - len(leaked)
    note = f"; {counted(weak, 'weaker one')} in tests and examples not counted" if weak else ""
    return judged(
        secret_resources(leaked),
        f"no committed secrets{note}",
        f"{counted(len(leaked), 'committed secret')}{note}",
    )


def secret_resources(findings: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return a resource for each secret of each file; its id outlives moved lines."""
    return [
        resource(
            f"{finding['path']}:{finding['hashed_secret']}",
            f"{finding['path']} line {finding['line']}: {finding['type']}. Revoke it where it was "
            "issued, since history keeps it, then read it from outside the repository; if it is "
            "no secret, end the line with `pragma: allowlist secret`",
            line=finding["line"],
            type=finding["type"],
            confidence=finding["confidence"],
            hashed_secret=finding["hashed_secret"],
        )
        for finding in findings
    ]
