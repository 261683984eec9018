"""The problems that the API answers with (RFC 9457): a reason, advice, and never our insides."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import BaseModel, Field

from utils.errors import TruelineError

CONTENT_TYPE = "application/problem+json"


@dataclass(frozen=True)
class FieldError:
    """One wrong value of a request: `pointer` is the JSON pointer that leads to it."""

    pointer: str
    message: str


class Problem(TruelineError):  # noqa: N818 - RFC 9457's word
    """Base of every refusal; each subclass is one status and one kind of problem.

    `extra` are further members of the answer; `retry_after_seconds` becomes a header.
    """

    status: ClassVar[int] = 500
    kind: ClassVar[str] = "internal-error"
    title: ClassVar[str] = "Something went wrong here"

    def __init__(
        self,
        reason: str,
        advice: str,
        *,
        errors: Sequence[FieldError] = (),
        extra: Mapping[str, Any] | None = None,
        retry_after_seconds: int | None = None,
    ) -> None:
        super().__init__(reason, advice)
        self.errors = tuple(errors)
        self.extra = dict(extra or {})
        self.retry_after_seconds = retry_after_seconds

    def document(self, request_id: str) -> dict[str, Any]:
        """Return the members of the answer."""
        document: dict[str, Any] = {
            "type": f"urn:trueline:problem:{self.kind}",
            "title": self.title,
            "status": self.status,
            "detail": self.reason,
            "advice": self.advice,
            "request_id": request_id,
        }
        if self.errors:
            document["errors"] = [
                {"pointer": error.pointer, "message": error.message} for error in self.errors
            ]
        return document | self.extra


class BadRequest(Problem):
    """The request cannot be read."""

    status = 400
    kind = "bad-request"
    title = "The request cannot be read"


class Unauthorized(Problem):
    """The API does not know who makes the request; `challenge` says what it wants (RFC 6750)."""

    status = 401
    kind = "unauthorized"
    title = "The request needs a valid token"
    challenge = 'Bearer error="invalid_token"'


class TokenMissing(Unauthorized):
    """The request has no token at all."""

    challenge = 'Bearer realm="trueline"'


class Forbidden(Problem):
    """The request comes from where it must not, or from whom it must not."""

    status = 403
    kind = "forbidden"
    title = "The request is not allowed"


class NotFound(Problem):
    """Nothing has that name or id."""

    status = 404
    kind = "not-found"
    title = "There is no such thing"


class MethodNotAllowed(Problem):
    """The address exists, the method does not."""

    status = 405
    kind = "method-not-allowed"
    title = "The method is not allowed here"


class Conflict(Problem):
    """The request does not fit the present state."""

    status = 409
    kind = "conflict"
    title = "The request does not fit the present state"


class PreconditionFailed(Problem):
    """What was to be changed is not what the caller had seen."""

    status = 412
    kind = "precondition-failed"
    title = "It changed meanwhile"


class TooLarge(Problem):
    """The body is larger than allowed."""

    status = 413
    kind = "too-large"
    title = "The body is too large"


class UriTooLong(Problem):
    """The address is longer than allowed."""

    status = 414
    kind = "uri-too-long"
    title = "The address is too long"


class HeadersTooLarge(Problem):
    """The headers are more or longer than allowed."""

    status = 431
    kind = "headers-too-large"
    title = "The headers are too large"


class UnsupportedMedia(Problem):
    """The body is not JSON."""

    status = 415
    kind = "unsupported-media"
    title = "The body's type is not supported"


class Unprocessable(Problem):
    """The request can be read, but its values are wrong."""

    status = 422
    kind = "invalid"
    title = "The values are not valid"


class InternalError(Problem):
    """An error of ours; the log has it under the request id."""


class BadGateway(Problem):
    """The source could not be read."""

    status = 502
    kind = "source-unreachable"
    title = "The source cannot be read"


class Unavailable(Problem):
    """The API cannot answer right now; later it can."""

    status = 503
    kind = "unavailable"
    title = "The API cannot answer right now"


class DatabaseAway(Unavailable):
    """The API has been unable to write to its database for a while; leases outlast that."""

    kind = "database-away"  # workers know it
    title = "The API's database is away"


class InsufficientStorage(Problem):
    """The disk under the database is full."""

    status = 507
    kind = "storage-full"
    title = "There is no room left"


class FieldErrorModel(BaseModel):
    """One wrong value of a request."""

    pointer: str = Field(description="JSON pointer to the value")
    message: str


class ProblemDocument(BaseModel):
    """What every refusal looks like (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    advice: str = Field(description="what to do now")
    request_id: str = Field(description="names this request in the API's log")
    errors: list[FieldErrorModel] | None = None
