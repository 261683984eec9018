"""What is sent: the CloudEvent of a delivery for programs, a short text of it for people; pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from api.happenings import EventType, Notice

CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"
URN = "urn:trueline:api"  # where no public address is set
LONGEST_LINE = 300
_WORDS: Mapping[str, str] = {
    EventType.VIOLATION_OPENED: "opened",
    EventType.VIOLATION_REOPENED: "open again",
    EventType.VIOLATION_RESOLVED: "resolved",
}
_TONES: Mapping[str, str] = {
    EventType.VIOLATION_OPENED: "warning",
    EventType.VIOLATION_REOPENED: "warning",
    EventType.VIOLATION_RESOLVED: "success",
    EventType.SOURCE_DEGRADED: "failure",
    EventType.SOURCE_RECOVERED: "success",
    Notice.DIGEST: "warning",
}


@dataclass(frozen=True)
class Message:
    """A text for people; `tone` is apprise's word for its kind."""

    title: str
    body: str
    tone: str


def cloud_event(event_id: str, type_: str, event: Mapping[str, Any], public_url: str) -> bytes:
    """Return the body of a CloudEvent 1.0 in structured JSON."""
    envelope = {
        "specversion": "1.0",
        "id": event_id,
        "source": public_url or URN,
        "type": type_,
        "subject": event["subject"],
        "time": event["time"],
        "datacontenttype": "application/json",
        "data": event["data"],
    }
    return json.dumps(envelope, ensure_ascii=False, separators=(",", ":")).encode()


def message(type_: str, event: Mapping[str, Any], public_url: str) -> Message:
    """Write an event for people: title, severity, what is wrong, and where to look."""
    data = event["data"]
    match type_:
        case EventType.JOB_FINISHED:
            title, lines = _job(data)
        case EventType.SOURCE_DEGRADED | EventType.SOURCE_RECOVERED:
            title, lines = _source(type_, data)
        case Notice.DIGEST:
            title, lines = _digest(data)
        case Notice.TEST:
            title, lines = "Trueline: a test", [f"webhook {data['webhook']} works"]
        case _:
            title, lines = _violation_title(type_, data), [_said(data)]
    link = _link(type_, event["subject"], public_url)
    told = [_line(line) for line in (*lines, link) if line]
    tone = _TONES.get(type_, "info")
    if type_ == EventType.JOB_FINISHED and data["status"] in {"failed", "partial"}:
        tone = "failure"
    return Message(_line(title), "\n".join(told), tone)


def _job(data: Mapping[str, Any]) -> tuple[str, list[str]]:
    error = data["error"] or {}
    return f"{data['deployment_name']}: job {data['status']}", [error.get("reason", "")]


def _source(type_: str, data: Mapping[str, Any]) -> tuple[str, list[str]]:
    if type_ == EventType.SOURCE_RECOVERED:
        return "Source: back again", [data["url"]]
    return "Source: cannot be read", [data["url"], (data["problem"] or {}).get("reason", "")]


def _digest(data: Mapping[str, Any]) -> tuple[str, list[str]]:
    counts = [(_WORDS[type_], count) for type_, count in data["counts"].items() if count]
    told = ", ".join(f"{count} {word}" for word, count in counts)
    lines = [f"- {_violation_title(one['type'], one)}: {_said(one)}" for one in data["worst"]]
    left = sum(data["counts"].values()) - len(lines)
    if left:
        lines.append(f"... and {left} more")
    return f"{data['worst'][0]['deployment_name']}: {told}", lines


def _violation_title(type_: str, data: Mapping[str, Any]) -> str:
    about = f" ({data['resource_id']})" if data["resource_id"] else ""
    word = _WORDS[type_]
    return f"[{data['severity']}] {word}: {data['title']}{about} in {data['deployment_name']}"


def _said(data: Mapping[str, Any]) -> str:
    return str(data["message"] or "")


def _link(type_: str, subject: str, public_url: str) -> str:
    """Return the page to look at; violations have one page for all."""
    if not public_url:
        return ""
    is_job = type_ == EventType.JOB_FINISHED
    return f"{public_url}/{subject if is_job else 'violations'}"


def _line(text: str) -> str:
    """Return a text as one bounded line; what steers a terminal or forges a line is gone."""
    plain = "".join(one if one.isprintable() else " " for one in text)
    return plain if len(plain) <= LONGEST_LINE else plain[: LONGEST_LINE - 1] + "…"
