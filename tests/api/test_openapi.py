from api.openapi import blueprint, problem_responses


def test_group_of_routes_knows_the_problems_that_any_may_have() -> None:
    assert "503" in blueprint("test", __name__).abp_responses
    description = "There is no such thing (`urn:trueline:problem:not-found`)"
    assert problem_responses(404)[404].description == description
