"""The Runner: StageOne reads which URLs are watched, collectors look, insights judge."""

from typing import Any

from integrations.http_endpoints.endpoint import read_endpoints
from integrations.http_endpoints.trust import read_trust
from utils.base_runner import BaseRunner


class Runner(BaseRunner):
    """Watches the URLs of its config."""

    name = "http_endpoints"
    parallel_tasks = 3  # the collectors: all of them wait for the same servers

    class StageOne(BaseRunner.StageOne):
        """Reads the config."""

        def start(self) -> dict[str, Any]:
            """Return the URLs with what is expected of them, and whom to trust."""
            return {"endpoints": read_endpoints(self.config), "trust": read_trust(self.config)}

    class StageTwo(BaseRunner.StageTwo):
        """The tasks of `collectors/` and `insights/`."""
