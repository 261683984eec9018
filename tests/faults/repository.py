"""The Git source of a fault test: folders of the fixtures, pushed as commits."""

import json
import os
import shutil
import subprocess
from collections.abc import Collection
from pathlib import Path

from utils.manifest import MANIFEST

FIXTURES = Path(__file__).parents[1] / "fixtures" / "faults"


class Repository:
    """The Git source; each push is a new commit of its default branch."""

    def __init__(self, path: Path, integrations: Collection[str]) -> None:
        self.path = path
        for name in integrations:
            shutil.copytree(FIXTURES / "integrations" / name, path / "integrations" / name)
        entries = json.loads((FIXTURES / MANIFEST).read_bytes())
        kept = [entry for entry in entries if entry["name"] in integrations]
        (path / MANIFEST).write_text(json.dumps(kept, indent=2))
        self._git("init", "--quiet", "--initial-branch=main")
        self.push()

    def push(self) -> str:
        self._git("add", "--all")
        who = ["-c", "user.name=T", "-c", "user.email=t@example.invalid"]
        self._git(*who, "commit", "--quiet", "--allow-empty", "--message=change")
        return self._git("rev-parse", "HEAD")

    def become(self, folder: Path) -> str:
        """Hold these files instead of what is there."""
        shutil.rmtree(self.path / "integrations")
        shutil.copytree(folder, self.path, dirs_exist_ok=True)
        return self.push()

    def replace(self, file: str, old: str, new: str) -> str:
        path = self.path / file
        path.write_text(path.read_text().replace(old, new))
        return self.push()

    def _git(self, *args: str) -> str:
        environ = {"PATH": os.environ["PATH"], "HOME": str(self.path), "GIT_CONFIG_NOSYSTEM": "1"}
        end = subprocess.run(
            ["git", *args], cwd=self.path, env=environ, check=True, capture_output=True, text=True
        )
        return end.stdout.strip()
