from api.problems import BadRequest, Conflict, FieldError, Problem, ProblemDocument


def test_document_has_the_members_of_the_standard_and_ours() -> None:
    errors = [FieldError("/a", "wrong")]
    problem = Conflict("it is taken", "take another", errors=errors, extra={"outcomes": [1]})
    assert problem.document("r1") == {
        "type": "urn:trueline:problem:conflict",
        "title": Conflict.title,
        "status": 409,
        "detail": "it is taken",
        "advice": "take another",
        "request_id": "r1",
        "errors": [{"pointer": "/a", "message": "wrong"}],
        "outcomes": [1],
    }


def test_document_is_what_the_description_says() -> None:
    ProblemDocument.model_validate(BadRequest("no", "yes").document("r1"), strict=True)


def test_each_kind_has_a_status_and_a_name_of_its_own() -> None:
    kinds = Problem.__subclasses__()
    assert len({kind.status for kind in kinds}) == len({kind.kind for kind in kinds}) == len(kinds)
