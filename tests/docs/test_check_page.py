"""The page of `trueline check`: its rules as they are, its workflow and its hooks as they run."""

import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from cli.check.rules import ALL

if TYPE_CHECKING:
    from tests.docs.conftest import Shell

REPOSITORY = Path(__file__).parents[2]
PAGE = (REPOSITORY / "docs/reference/check.md").read_text(encoding="utf-8")
LEVELS = dict(re.findall(r"^\| `([a-z-]+)` \| (error|warning) \| .+ \|$", PAGE, flags=re.MULTILINE))
EXAMPLES = dict(
    re.findall(
        r"^\| `([a-z-]+)` \| (.+) \|$", PAGE.partition("### Examples")[2], flags=re.MULTILINE
    )
)
WORKFLOW, HOOKS = (
    yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL)
)
# The command is installed where the tests run.
INSTALLED = "pip install trueline"
# As GitHub calls it where a step says `shell: bash`, as its defaults do.
BASH = "bash --noprofile --norc -eo pipefail -c"


def test_every_rule_and_no_other_stands_there_with_its_level() -> None:
    assert {rule.id: rule.level.value for rule in ALL} == LEVELS


def test_every_rule_has_an_example() -> None:
    assert list(EXAMPLES) == list(LEVELS)


def test_the_fields_of_a_finding_stand_there() -> None:
    for field in ("rule", "level", "path", "line", "what", "why", "fix"):
        assert json.dumps(field) in PAGE


def test_the_workflow_is_green_for_a_new_integration_and_the_hooks_stop_a_bad_commit(
    tmp_path: Path, make_shell: "Callable[..., Shell]"
) -> None:
    home = tmp_path / "watch"
    home.mkdir()
    shell = make_shell(home, {INSTALLED: ":"}, TRUELINE_DATA_DIR=str(tmp_path / "data"))
    shell("git init -q -b main && trueline new shop --yes && trueline check --strict")
    shell("git add . && git commit -q -m shop")
    assert WORKFLOW["defaults"]["run"]["shell"] == "bash"
    steps = [step["run"] for step in WORKFLOW["jobs"]["check"]["steps"] if "run" in step]
    said = [shell(f"{BASH} {shlex.quote(step)}").out for step in steps]
    assert INSTALLED in steps
    assert "tier: platinum" in said[-1]
    assert json.loads((home / "trueline.sarif").read_text())["version"] == "2.1.0"

    hooks = _offered_hooks()
    assert [hook["id"] for hook in HOOKS["repos"][0]["hooks"]] == list(hooks)
    insight = home / "integrations" / "shop" / "insights" / "items_have_an_owner.py"
    insight.write_text(insight.read_text().replace('title="', 'titel="Ours: '))
    for hook in hooks.values():
        assert not hook["pass_filenames"]
        assert re.search(hook["files"], insight.relative_to(home).as_posix())
    assert "did you mean 'title'" in shell(hooks["trueline-check"]["entry"], code=1).out
    insight.write_text(insight.read_text().replace('titel="', 'title="'))
    assert "shop.md" in shell(hooks["trueline-docs"]["entry"], code=1).out


def _offered_hooks() -> dict[str, dict[str, Any]]:
    offered = yaml.safe_load((REPOSITORY / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    return {hook["id"]: hook for hook in offered}
