"""Judges whether GitHub looks for vulnerable dependencies and secrets at all."""

from typing import Any

from integrations.github.switched_off import rows_off
from integrations.github.verdict import judged, resource
from utils.base_runner import BaseRunner, TaskContext
from utils.decorators import task

FEATURES = {
    "list_dependabot_alerts": "Dependabot alerts",
    "list_secret_alerts": "Secret scanning",
}


@task(
    name="alerts_switched_on",
    title="Dependabot and secret scanning are on",
    description="Repositories in which GitHub does not look for dangers",
    type="insight",
    severity="medium",
    depends_on=("list_dependabot_alerts", "list_secret_alerts"),
)
def alerts_switched_on(self: BaseRunner.StageTwo, ctx: TaskContext) -> dict[str, Any]:
    """Report each feature of each repository, unless it is on `allowed_without_alerts`."""
    blind = [
        resource(
            f"{row['repository']}:{collector.removeprefix('list_')}",
            f"{feature} of {row['repository']}: {row['reason']}. Switch it on in the settings "
            "(Code security), or add the repository to allowed_without_alerts",
            repository=row["repository"],
        )
        for collector, feature in FEATURES.items()
        for row in rows_off(ctx, ctx.get_data(collector)["repositories"])
    ]
    return judged(
        blind,
        "Dependabot alerts and secret scanning are on wherever they are wanted",
        "feature that looks for dangers is off",
        "features that look for dangers are off",
    )
