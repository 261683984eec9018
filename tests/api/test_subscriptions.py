from datetime import UTC, datetime

from api.happenings import Concern, EventType, Happening, Notice
from api.subscriptions import MOST_IN_DIGEST, Kind, Subscription, messages_for, usual_types
from utils.tasks import Severity

NOW = datetime(2026, 3, 2, tzinfo=UTC)


def violation(number: int, severity: Severity, type_: EventType) -> Happening:
    data = {"job_id": "j", "severity": severity.value, "title": str(number)}
    concern = Concern("tool", "d", severity)
    return Happening(str(number), type_, f"violations/{number}", NOW, data, concern)


def subscription(kind: Kind) -> Subscription:
    return Subscription("w", kind, frozenset(usual_types(kind)))


def test_people_get_one_message_for_all_violations_of_a_job_the_worst_first() -> None:
    told = [
        Happening("job", EventType.JOB_FINISHED, "jobs/j", NOW, {}, Concern(job_status="partial")),
        *(violation(n, Severity.LOW, EventType.VIOLATION_OPENED) for n in range(500)),
        violation(500, Severity.CRITICAL, EventType.VIOLATION_RESOLVED),
        violation(501, Severity.CRITICAL, EventType.VIOLATION_REOPENED),
    ]
    (digest,) = messages_for(subscription(Kind.APPRISE), told)
    assert (digest.type, digest.subject) == (Notice.DIGEST, "jobs/j")
    assert digest.data["counts"] == {
        "dev.trueline.violation.opened": 500,
        "dev.trueline.violation.reopened": 1,
        "dev.trueline.violation.resolved": 1,
    }
    assert len(digest.data["worst"]) == MOST_IN_DIGEST
    assert digest.data["worst"][0]["title"] == "501"
    assert len(messages_for(subscription(Kind.WEBHOOK), told)) == len(told)


def test_a_single_violation_is_no_digest() -> None:
    one = violation(1, Severity.LOW, EventType.VIOLATION_OPENED)
    assert messages_for(subscription(Kind.APPRISE), [one]) == [one]


def test_what_has_no_severity_or_status_is_not_held_back_by_those_filters() -> None:
    source = Happening("s", EventType.SOURCE_DEGRADED, "source", NOW, {})
    strict = Subscription(
        "w",
        Kind.WEBHOOK,
        frozenset(EventType),
        min_severity=Severity.CRITICAL,
        job_statuses=frozenset({"failed"}),
    )
    assert strict.wants(source)
    assert not Subscription("w", Kind.WEBHOOK, frozenset(EventType), integration="x").wants(source)
