from typing import Any

from worker.cleaning import clean_result, clean_text_object, without_controls
from worker.redaction import Redactor

RESULT: dict[str, Any] = {
    "name": "success",
    "title": "Title hunter2",
    "type": "insight",
    "status": "success",
    "verdict": "fail",
    "severity": "high",
    "message": "said hunter2\x1b",
    "data": {"hunter2": "hunter2\x1b"},
    "resources": [{"id": "hunter2"}, {"id": "***"}, {"id": "x"}],
    "errors": ["hunter2"],
    "logs": ["hunter2\r\nsecond"],
    "duration_seconds": 0.5,
    "reason": "hunter2",
    "partial": ["hunter2"],
}


def test_secrets_leave_every_free_field() -> None:
    assert "hunter2" not in str(clean_result(RESULT, Redactor(["hunter2"])))


def test_names_and_states_stay_even_when_a_secret_is_the_same_word() -> None:
    cleaned = clean_result(RESULT, Redactor(["success", "insight", "fail", "high"]))
    kept = ("name", "type", "status", "verdict", "severity", "duration_seconds")
    assert [cleaned[key] for key in kept] == [RESULT[key] for key in kept]


def test_resources_whose_ids_became_alike_are_told_apart() -> None:
    cleaned = clean_result(RESULT, Redactor(["hunter2"]))
    assert [resource["id"] for resource in cleaned["resources"]] == ["***", "*** (2)", "x"]


def test_controls_are_written_out_in_texts_and_kept_in_data() -> None:
    cleaned = without_controls(RESULT)
    assert cleaned["message"] == "said hunter2\\x1b"
    assert cleaned["logs"] == ["hunter2\nsecond"]
    assert cleaned["data"] == RESULT["data"]


def test_error_is_cleaned_in_all_its_parts() -> None:
    fault = {"reason": "hunter2", "advice": None, "traceback": "\x1b hunter2"}
    cleaned = clean_text_object(fault, Redactor(["hunter2"]))
    assert cleaned == {"reason": "***", "advice": None, "traceback": "\\x1b ***"}
