from datetime import UTC, datetime, timedelta, timezone

import pytest
from flask import Flask

from api.json_format import JsonFormat, iso
from api.models import ProblemNote

FORMAT = JsonFormat(Flask("test"))


def test_times_are_written_in_utc() -> None:
    noon = datetime(2026, 3, 2, 12, tzinfo=timezone(timedelta(hours=2)))
    assert FORMAT.dumps({"at": noon}) == '{"at":"2026-03-02T10:00:00.000Z"}'
    assert iso(datetime(2026, 3, 2, 12, 0, 0, 987_654, tzinfo=UTC)) == "2026-03-02T12:00:00.987Z"


def test_models_are_written_as_objects() -> None:
    note = ProblemNote(reason="é", advice="b")
    assert FORMAT.dumps(note) == '{"reason":"é","advice":"b"}'


def test_what_is_no_answer_is_refused() -> None:
    with pytest.raises(TypeError, match="set"):
        FORMAT.dumps({1})
    with pytest.raises(ValueError, match="JSON compliant"):
        FORMAT.dumps(float("nan"))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("NaN", "NaN is not JSON"),
        ("[Infinity]", "Infinity is not JSON"),
        ("{", "Expecting property name"),
        (b"\xff", "can't decode"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_what_is_no_json_is_refused(text: str | bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        FORMAT.loads(text)
