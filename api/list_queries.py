"""What requests for lists have in common: bounds in time, a sort, whose rows."""

from typing import Annotated

from pydantic import Field

from api.listing import Span
from api.models import PageQuery
from api.storable import StorableText, StorableTime

MOST_NAMED = 10  # deployments or integrations that one list is asked for
Names = list[Annotated[StorableText, Field(max_length=200)]]


class TimedQuery(PageQuery):
    """Which part of a list, bounded in time, is wanted."""

    since: StorableTime | None = Field(None, description="from this time on")
    until: StorableTime | None = Field(None, description="before this time")

    @property
    def span(self) -> Span:
        """Return the bounds as lists take them."""
        return Span(self.since, self.until)


class ScopedQuery(TimedQuery):
    """Whose rows of a list, bounded in time, are wanted."""

    deployment: Names = Field(
        [], max_length=MOST_NAMED, description="its id or name; one or several"
    )
    integration: Names = Field([], max_length=MOST_NAMED, description="one or several")


def is_descending(sort: str) -> bool:
    """Tell whether a sort begins with what comes last: `-name`."""
    return sort.startswith("-")
