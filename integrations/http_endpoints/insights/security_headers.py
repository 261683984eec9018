"""Judges the headers by which a site protects its visitors."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from integrations.http_endpoints.endpoint import Endpoint
from integrations.http_endpoints.header_rules import header_findings
from integrations.http_endpoints.resources import counted, endpoints_by_url, judged, resource, worst
from utils.base_runner import BaseRunner, TaskContext
from utils.decorators import task


@task(
    name="security_headers",
    title="Security headers are sent",
    description="Missing or weak HSTS, content policy, type, frame and referrer protection",
    type="insight",
    severity="medium",
)
def security_headers(self: BaseRunner.StageTwo, ctx: TaskContext) -> dict[str, Any]:
    """Report URLs with headers that are missing or weak."""
    rows = ctx.get_data("read_responses")["responses"]
    elsewhere = sum(row["status"] is not None and row["status"] >= 300 for row in rows)
    note = (
        f"; {counted(elsewhere, 'URL')} only redirect: watch where they lead" if elsewhere else ""
    )
    return judged(
        header_resources(rows, endpoints_by_url(ctx)),
        f"every page sends its security headers{note}",
        f"with missing or weak security headers{note}",
    )


def header_resources(
    rows: Iterable[Mapping[str, Any]], endpoints: Mapping[str, Endpoint]
) -> list[dict[str, Any]]:
    """Return a resource for each URL with all of its headers that are not right."""
    found = []
    for row in rows:
        if row["headers"] is None:
            continue
        endpoint = endpoints[row["url"]]
        is_page = 200 <= row["status"] < 300
        findings = [
            finding
            for finding in header_findings(
                row["headers"], is_https=endpoint.is_https, is_page=is_page
            )
            if finding.header not in endpoint.headers_excepted
        ]
        if findings:
            told = "; ".join(finding.message for finding in findings)
            severity = worst([finding.severity for finding in findings])
            details = [asdict(finding) for finding in findings]
            found.append(resource(row["url"], told, severity, findings=details))
    return found
