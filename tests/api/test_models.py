import pytest
from pydantic import Field, ValidationError

from api.models import Body, PageQuery, Path, ProblemNote, Query


class Colour(Query):
    """A query for these tests."""

    colour: list[str] = Field(default=[])


class Thing(Path):
    """An address for these tests."""

    name: str


class Size(Body):
    """A body for these tests."""

    size: int


def test_schema_of_a_query_is_made_once() -> None:
    assert Colour.model_json_schema() is Colour.model_json_schema()
    assert Colour.model_json_schema()["properties"]["colour"]["type"] == "array"
    assert "limit" in PageQuery.model_json_schema()["properties"]
    named = Colour.model_json_schema(ref_template="#/x/{model}")
    assert named == Colour.model_json_schema()


def test_unknown_fields_are_refused_everywhere() -> None:
    for model in (Colour, Thing, Size, ProblemNote):
        with pytest.raises(ValidationError, match="Extra inputs"):
            model.model_validate({"nothing": 1})


def test_nul_in_an_address_is_refused() -> None:
    with pytest.raises(ValidationError, match="NUL"):
        Thing.model_validate({"name": "a\0b"})
    assert Thing.model_validate({"name": "ab"}).name == "ab"


@pytest.mark.parametrize("limit", [0, 501])
def test_page_has_1_to_500_items(limit: int) -> None:
    with pytest.raises(ValidationError):
        PageQuery.model_validate({"limit": limit})
    assert PageQuery().limit == 50
