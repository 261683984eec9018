"""What is wrong with a thing that goes on existing, told to people: a reason and advice."""

from dataclasses import dataclass
from typing import Self

from utils.errors import TruelineError


@dataclass(frozen=True)
class Note:
    """What is wrong with a thing, and what to do now."""

    reason: str
    advice: str

    @classmethod
    def of(cls, error: TruelineError) -> Self:
        """Keep what an error says."""
        return cls(error.reason, error.advice)

    def as_json(self) -> dict[str, str]:
        """Return it as it is stored, sent and shown."""
        return {"reason": self.reason, "advice": self.advice}
