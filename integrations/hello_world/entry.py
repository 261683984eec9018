"""Where a job of hello_world begins."""

from typing import Any

from utils.base_runner import BaseRunner
from utils.task_registry import register_tasks


class Runner(BaseRunner):
    """Sets the job up; the tasks in collectors/ and insights/ do the work."""

    name = "hello_world"  # the same as the folder and the entry in integrations.json

    def __init__(self, config: dict[str, Any]) -> None:
        config["integration_name"] = self.name
        register_tasks(self.__class__)
        super().__init__(config)

    class StageOne(BaseRunner.StageOne):
        """Set-up: a real integration would log in here."""

        def start(self) -> dict[str, Any]:
            """Return what tasks read through ctx.base()."""
            return {
                "greeting": self.config.get("greeting", "Hello"),
                "shelf": {"lamp": 12, "chair": 8, "desk": 2},
            }

    class StageTwo(BaseRunner.StageTwo):
        """What tasks get as `self`; stays empty."""
