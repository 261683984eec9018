"""What jobs may ask of what they share: checked as if they lied, and bounded in every number."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError

from utils.commons import DROPPED_AT_ONCE, VALUE_BYTES

LONGEST_TTL_SECONDS = 30 * 24 * 3600.0
LONGEST_CLAIM_SECONDS = 3600.0
LONGEST_WAIT_SECONDS = 300.0

Key = Annotated[str, StringConstraints(min_length=1, max_length=500)]
Token = Annotated[str, StringConstraints(max_length=64)]
_BucketName = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class _Asked(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Reserve(_Asked):
    """A token of a bucket."""

    do: Literal["reserve"]
    name: _BucketName
    capacity: float = Field(ge=1, le=1e6)
    refill: float = Field(ge=1e-6, le=1e6)
    longest: float = Field(ge=0, le=LONGEST_WAIT_SECONDS)


class Get(_Asked):
    """The value of a key."""

    do: Literal["get"]
    key: Key


class Set(_Asked):
    """A value to be kept."""

    do: Literal["set"]
    key: Key
    value: Annotated[str, StringConstraints(max_length=VALUE_BYTES)]
    ttl: float = Field(le=LONGEST_TTL_SECONDS)


class Keys(_Asked):
    """The next keys in their order."""

    do: Literal["keys"]
    after: Annotated[str, StringConstraints(max_length=500)] = ""


class Drop(_Asked):
    """Keys to be forgotten."""

    do: Literal["drop"]
    keys: list[Key] = Field(max_length=DROPPED_AT_ONCE)


class Claim(_Asked):
    """The right to compute a key."""

    do: Literal["claim"]
    key: Key
    seconds: float = Field(ge=0, le=LONGEST_CLAIM_SECONDS)


class Release(_Asked):
    """That right, given back."""

    do: Literal["release"]
    key: Key
    token: Token


Request = Reserve | Get | Set | Keys | Drop | Claim | Release
_REQUEST: TypeAdapter[Request] = TypeAdapter(Annotated[Request, Field(discriminator="do")])


def read_request(line: bytes) -> Request | None:
    """Return what a line asks for; None when it makes no sense."""
    try:
        return _REQUEST.validate_json(line)
    except ValidationError:
        return None
