from integrations.repository_audit.resources import counted, judged, lasting_id, resource


def test_a_very_long_path_gets_an_id_that_fits_and_still_differs() -> None:
    first, second = lasting_id("x" * 5000 + "a"), lasting_id("x" * 5000 + "b")
    assert len(first) <= 1024
    assert first != second
    assert lasting_id("short") == "short"


def test_the_outcome_chooses_message_and_verdict() -> None:
    found = [resource("a", "a is wrong", "low", line=3)]
    assert judged([], "fine", "bad") == {
        "violation": False,
        "resources": [],
        "data": {"count": 0},
        "message": "fine",
    }
    assert judged(found, "fine", "bad")["message"] == "bad"
    assert found == [{"id": "a", "message": "a is wrong", "severity": "low", "data": {"line": 3}}]


def test_counts_read_as_english() -> None:
    assert counted(1, "file") == "1 file"
    assert counted(2000, "file") == "2,000 files"
    assert counted(0, "branch", "branches") == "0 branches"
