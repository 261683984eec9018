"""The page of `trueline check` lists every rule as it is."""

import json
import re
from pathlib import Path

import yaml

from cli.check.rules import ALL

REPOSITORY = Path(__file__).parents[2]
PAGE = (REPOSITORY / "docs/reference/check.md").read_text(encoding="utf-8")
LEVELS = dict(re.findall(r"^\| `([a-z-]+)` \| (error|warning) \| .+ \|$", PAGE, flags=re.MULTILINE))
EXAMPLES = dict(
    re.findall(
        r"^\| `([a-z-]+)` \| (.+) \|$", PAGE.partition("### Examples")[2], flags=re.MULTILINE
    )
)


def test_every_rule_and_no_other_stands_there_with_its_level() -> None:
    assert {rule.id: rule.level.value for rule in ALL} == LEVELS


def test_every_rule_has_an_example() -> None:
    assert list(EXAMPLES) == list(LEVELS)


def test_the_fields_of_a_finding_stand_there() -> None:
    for field in ("rule", "level", "path", "line", "what", "why", "fix"):
        assert json.dumps(field) in PAGE


def test_the_workflow_and_the_hooks_can_be_read() -> None:
    workflow, hooks = (
        yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL)
    )
    steps = [step.get("run", "") for step in workflow["jobs"]["check"]["steps"]]
    assert any("trueline check --sarif" in step for step in steps)
    offered = yaml.safe_load((REPOSITORY / ".pre-commit-hooks.yaml").read_text())
    used = {hook["id"] for hook in hooks["repos"][0]["hooks"]}
    assert used == {hook["id"] for hook in offered}
