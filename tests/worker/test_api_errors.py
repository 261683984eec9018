from worker.api_errors import ApiRefused, ApiUnavailable


def test_refusal_shows_the_problems_detail_and_advice() -> None:
    error = ApiRefused(409, {"title": "Conflict", "detail": "too old", "advice": "update"})

    assert str(error) == "the API refused (409): too old; update"


def test_refusal_without_a_problem_shows_its_status() -> None:
    assert "status 418" in ApiRefused(418, {}).reason


def test_unavailable_says_whether_anybody_listens() -> None:
    assert not ApiUnavailable("away", "wait").leases_last
    assert ApiUnavailable("away", "wait", leases_last=True).leases_last
