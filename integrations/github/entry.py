"""The Runner: StageOne checks the config and notes what time it is; tasks ask the API."""

from datetime import UTC, datetime
from typing import Any

from integrations.github.scope import read_scope
from utils.base_runner import BaseRunner


class Runner(BaseRunner):
    """Audits an organisation, a list of repositories, or some repositories of an organisation.

    Tasks run one after another: GitHub asks for that, and slows down who does otherwise.
    """

    name = "github"

    class StageOne(BaseRunner.StageOne):
        """Needs no network: a token that is refused is found by the first collector."""

        def start(self) -> dict[str, Any]:
            """Return the moment that every age is counted to."""
            scope = read_scope(self.config)
            self.add_log(f"auditing {scope.shown} at {scope.base_url}")
            return {"now": datetime.now(UTC)}

    class StageTwo(BaseRunner.StageTwo):
        """The tasks of `collectors/` and `insights/`."""
