"""Answers that say no: what is switched off, and what the token may not see."""

import re
from collections.abc import Callable
from typing import NamedTuple, TypeVar

from utils.errors import IntegrationAuthError, IntegrationError, IntegrationPermanentError

Answer = TypeVar("Answer")

NOT_PROTECTED = "branch not protected"
NO_BRANCH = "branch not found"
PLAN_LACKS_IT = "upgrade to github"
# How the API says that a feature is off, with 403 or 404 by feature and release.
_OFF = (
    "are disabled for this repository",
    "is disabled on this repository",
    "not enabled for this repository",
    "must be enabled for this repository",
    "not available for archived repositories",
    PLAN_LACKS_IT,
)
_UNSEEN = frozenset({404, 422, 451})
_MESSAGE = re.compile(r'"message"\s*:\s*"((?:[^"\\]|\\.)*)')
_LONGEST = 200


class Refusal(NamedTuple):
    """A no that concerns one question, not the whole audit."""

    status: int
    said: str

    def says(self, text: str) -> bool:
        """Tell whether the answer has this in it, in whatever case."""
        return text in self.said.lower()

    @property
    def is_off(self) -> bool:
        """Tell whether the feature is switched off; otherwise it is there, or not, unseen."""
        return any(self.says(text) for text in _OFF)

    @property
    def shown(self) -> str:
        """What people read."""
        return f"{self.status} {self.said.rstrip('.')}".strip()


def seen(ask: Callable[[], Answer]) -> Answer | Refusal:
    """Return what is answered, or the refusal of this one question.

    Raised are errors that concern every question: a refused token, a spent limit, an API that is
    ill.
    """
    try:
        return ask()
    except IntegrationError as error:
        refusal = refusal_of(error)
        if refusal is None:
            raise
        return refusal


def refusal_of(error: IntegrationError) -> Refusal | None:
    """Return what an error says of one question alone; None where it says more than that."""
    status = error.status
    is_forbidden = status == 403 and isinstance(error, IntegrationAuthError)
    is_unseen = status in _UNSEEN and isinstance(error, IntegrationPermanentError)
    if status is None or not (is_forbidden or is_unseen):
        return None
    found = _MESSAGE.search(error.reason)
    return Refusal(status, found[1][:_LONGEST] if found else "")
