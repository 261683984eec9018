"""Removes the snapshots and environments that nothing uses, and settles those that stay."""

import time
from dataclasses import dataclass

import structlog

from utils.snapshot import Snapshots
from worker.current_catalogue import CurrentCatalogue
from worker.environments import Environments

GRACE_SECONDS = 15 * 60.0  # a branch that goes back and forth finds what it had

log = structlog.get_logger()


@dataclass(frozen=True)
class Reclaim:
    """Keeps what running jobs use, what the catalogue offers, and what is young."""

    snapshots: Snapshots
    environments: Environments
    current: CurrentCatalogue
    grace_seconds: float = GRACE_SECONDS

    def run(self) -> None:
        """Remove what nothing uses; what stays outlasts a loss of power from now on."""
        commits = self._unused_commits(time.time())
        for commit in commits:
            self.snapshots.discard(commit)
        keep = {prepared.environment.key for prepared in self.current.get().prepared}
        keys = self.environments.reclaim(keep)
        if commits or keys:
            log.info("reclaimed", snapshots=commits, environments=list(keys))
        self._settle()

    def _settle(self) -> None:
        try:
            self.snapshots.settle()
        except OSError as error:
            log.warning(
                "snapshots not settled",
                reason=f"{self.snapshots.directory} cannot be written: {error.strerror}",
                advice="make room on its disk; until then a loss of power costs their making anew",
            )

    def _unused_commits(self, now: float) -> list[str]:
        found = self.snapshots.commits()
        used = self.current.commits_in_use()  # after the listing: newer ones are not in it
        return [
            commit
            for commit in found
            if commit not in used and self._age_seconds(commit, now) > self.grace_seconds
        ]

    def _age_seconds(self, commit: str, now: float) -> float:
        return now - (self.snapshots.directory / commit).stat().st_ctime
