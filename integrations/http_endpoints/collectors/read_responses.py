"""Reads how each URL answers: status, headers, cookies and the time that it took."""

import time
from collections.abc import Sequence
from dataclasses import asdict
from statistics import median
from typing import Any

from integrations.http_endpoints.asking import Asking, asking_of
from integrations.http_endpoints.cookie import cookies_of
from integrations.http_endpoints.endpoint import Endpoint
from integrations.http_endpoints.resources import counted
from integrations.http_endpoints.side_by_side import look_at_all
from utils.base_runner import BaseRunner, TaskContext
from utils.decorators import task
from utils.errors import IntegrationError, IntegrationPermanentError
from utils.http import Answer

# Others, such as cookies, may hold secrets; none of them is judged.
KEPT = (
    *("strict-transport-security", "content-security-policy", "x-content-type-options"),
    *("x-frame-options", "referrer-policy", "content-type", "location"),
    *("server", "x-powered-by", "x-aspnet-version", "x-aspnetmvc-version", "x-generator"),
)
LONGEST_HEADER = 4096


@task(
    name="read_responses",
    title="Read responses",
    description="Status, headers, cookies (no values) and latency of each URL, in several attempts",
    type="collector",
)
def read_responses(self: BaseRunner.StageTwo, ctx: TaskContext) -> dict[str, Any]:
    """Ask each URL several times, and follow no redirect."""
    asking, attempts = asking_of(ctx), int(ctx.config.get("attempts", 3))
    rows = look_at_all(ctx.base("endpoints"), lambda one: response_row(one, asking, attempts))
    for row in rows:
        for reason in row["partial"]:
            ctx.mark_partial(f"{row['url']}: {reason}")
    answered = sum(bool(row["statuses"]) for row in rows)
    return {
        "data": {"responses": rows},
        "message": f"{answered:,} of {counted(len(rows), 'URL')} answered",
    }


def response_row(endpoint: Endpoint, asking: Asking, attempts: int) -> dict[str, Any]:
    """Return what a URL answered; headers and cookies are those of the last expected answer."""
    answers: list[tuple[Answer, float]] = []
    errors: list[IntegrationError] = []
    for _ in range(attempts):
        began = time.perf_counter()
        try:
            answer = asking.get(endpoint.url)
        except IntegrationError as error:
            errors.append(error)
        else:
            took_ms = (time.perf_counter() - began) * 1000
            answers.append((answer._replace(body=b""), took_ms))
    expected = [pair for pair in answers if endpoint.expects(pair[0].status)]
    statuses = [answer.status for answer, _ in answers]
    return {
        "url": endpoint.url,
        "attempts": attempts,
        "statuses": statuses,
        "unexpected": sorted({one for one in statuses if not endpoint.expects(one)}),
        "latencies_ms": [round(ms, 1) for _, ms in expected],
        "latency_ms": round(median(ms for _, ms in expected), 1) if expected else None,
        "errors": list(dict.fromkeys(map(str, errors))),
        "is_asked": not any(isinstance(one, IntegrationPermanentError) for one in errors),
        **_seen(expected[-1][0] if expected else None),
        "partial": _unclear(attempts, errors, len(answers) - len(expected)),
    }


def _seen(answer: Answer | None) -> dict[str, Any]:
    """Return what is judged of an answer; null where no answer was the expected one."""
    if answer is None:
        return {"status": None, "headers": None, "cookies": None}
    kept = {name: answer.headers[name][:LONGEST_HEADER] for name in KEPT if name in answer.headers}
    cookies = [asdict(cookie) for cookie in cookies_of(answer.headers.get("set-cookie", ""))]
    return {"status": answer.status, "headers": kept, "cookies": cookies}


def _unclear(attempts: int, errors: Sequence[IntegrationError], unexpected: int) -> list[str]:
    """Return what is missing: an error page does not show how the page itself answers."""
    reasons = []
    if errors:
        reasons.append(f"{len(errors)} of {attempts} attempts got no answer: {errors[0]}")
    if unexpected:
        reasons.append(f"{unexpected} of {attempts} attempts got a status that is not expected")
    return reasons
