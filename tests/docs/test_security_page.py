import ast
import re
import tomllib
from pathlib import Path

from api.permissions import ROUTES

REPOSITORY = Path(__file__).parents[2]
PAGE = (REPOSITORY / "docs/security.md").read_text("utf-8")
OURS = ("api", "cli", "integrations", "utils", "worker")
RUN_WHAT_THEY_LOAD = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "yaml", "jsonpickle"}


def test_each_threat_names_a_file_with_tests() -> None:
    rows = re.findall(r"^\| .* \| `(\S+\.py)` \|$", PAGE, re.MULTILINE)
    assert len(rows) == PAGE.count("\n| ") - 1
    for name in rows:
        assert "def test_" in (REPOSITORY / name).read_text("utf-8"), name


def imported(file: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.partition(".")[0])
    return names


def test_nothing_of_ours_loads_what_could_run() -> None:
    files = [file for folder in OURS for file in (REPOSITORY / folder).rglob("*.py")]
    assert len(files) > 300
    assert {str(file) for file in files if imported(file) & RUN_WHAT_THEY_LOAD} == set()


def test_what_the_page_says_is_not_there_is_not_there() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]
    groups = project["optional-dependencies"].values()
    wanted = [*project["dependencies"], *(it for group in groups for it in group)]
    assert not [it for it in wanted if re.match(r"celery|kombu|pika|dramatiq", it)]
    assert not [route for route in ROUTES if re.search(r"reconcile|plan|apply", route)]
    assert "## What is not there yet" in PAGE
