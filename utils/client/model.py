"""The bases of what the client sends and gets."""

from typing import Any

from pydantic import BaseModel, ConfigDict, PrivateAttr


class Body(BaseModel):
    """What is sent: fields that were not given are left out."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    def sent(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)


class Answer(BaseModel):
    """What was answered; fields that a later version of the API adds are passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    _etag: str | None = PrivateAttr(None)

    @property
    def etag(self) -> str | None:
        """The answer's ETag, for `if_match`: nobody's later change is overwritten then."""
        return self._etag

    def remember(self, etag: str | None) -> None:
        """Keep the ETag that came with it."""
        self._etag = etag
