"""The bases of what requests and answers are made of."""

from functools import cache
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator


def _no_other_type(value: Any) -> Any:
    """Refuse what pydantic would take for a number: true, and numbers in quotes."""
    if isinstance(value, bool | str):
        raise ValueError("expected a number")  # noqa: TRY004 - pydantic takes ValueError alone
    return value


Count = Annotated[int, BeforeValidator(_no_other_type)]  # for fields of a body
Number = Annotated[float, BeforeValidator(_no_other_type)]  # same


class Body(BaseModel):
    """A request's body; unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Address(BaseModel):
    """A part of a request's address; a NUL in it is refused, as PostgreSQL would."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def refuse_nul(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Refuse what no database takes."""
        if any("\0" in value for value in values.values() if isinstance(value, str)):
            raise ValueError("an address has no NUL in it")
        return values


class Path(Address):
    """The variable parts of an address."""


class Query(Address):
    """A request's query; unknown parameters are refused."""

    @classmethod
    def model_json_schema(cls, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Return the schema, made once: flask-openapi asks for it at every request."""
        if args or kwargs:
            return super().model_json_schema(*args, **kwargs)
        return _plain_schema(cls)


class PageQuery(Query):
    """Which part of a list is wanted."""

    limit: int = Field(default=50, ge=1, le=500, description="how many items at most")
    cursor: str | None = Field(
        default=None, max_length=2000, description="`next_cursor` of the page before"
    )


class Answer(BaseModel):
    """A documented answer; its schema is made when the description is."""

    model_config = ConfigDict(extra="forbid", defer_build=True)


class ProblemNote(Answer):
    """What is wrong with a thing, and what to do now."""

    reason: str
    advice: str


@cache
def _plain_schema(model: type[Query]) -> dict[str, Any]:
    return super(Query, model).model_json_schema()
