"""The audit's Runner: StageOne fetches the repository, the tasks read and judge it."""

import os
import tempfile
from pathlib import Path
from typing import Any

from integrations.repository_audit.address import audited_address
from integrations.repository_audit.clone import clone_repository
from integrations.repository_audit.git_command import forget_token, prepare_git
from utils.base_runner import BaseRunner


class Runner(BaseRunner):
    """Audits one Git repository; without `url`, the source that the job itself runs from."""

    name = "repository_audit"

    class StageOne(BaseRunner.StageOne):
        """Fetches what the audit needs into the job's own directory."""

        def start(self) -> dict[str, Any]:
            """Return the clone, its path and the commit that is audited."""
            address = audited_address(self.config, self.source)
            workspace = Path(tempfile.mkdtemp(prefix="audit-", dir=Path.cwd()))
            git = prepare_git(workspace / "git", os.environ, str(self.config.get("token") or ""))
            try:
                clone = clone_repository(git, address, workspace)
            finally:
                forget_token(workspace / "git")
            self.add_log(f"auditing {address.url} at {clone.commit}")
            return {"clone": clone, "path": str(clone.files), "commit": clone.commit}

    class StageTwo(BaseRunner.StageTwo):
        """The tasks of `collectors/` and `insights/`."""
