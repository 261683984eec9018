"""Everything that a user can type, set, call or follow stands in the reference pages."""

import importlib
import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from api.app import create_app
from api.description import describe
from cli.main import COMMANDS
from utils.decorators import task
from utils.settings import PREFIX, Settings, read_settings

REPOSITORY = Path(__file__).parents[2]
PAGES = sorted(
    path.relative_to(REPOSITORY).as_posix()
    for path in (
        REPOSITORY / "README.md",
        REPOSITORY / "CHANGELOG.md",
        *(REPOSITORY / "docs").rglob("*.md"),
    )
)
GUIDES = [page for page in PAGES if not page.startswith(("docs/decisions/", "docs/integrations/"))]
TOP = ("api", "bench", "cli", "docs", "integrations", "migrations", "requirements", "tests")
TOP_FOLDER = re.compile(rf"(?:{'|'.join((*TOP, 'utils', 'worker'))})/[\w./*-]+")
EXAMPLES = ("integrations/accounts", "integrations/disk_space")  # made by the reader
MADE_BY_MAKE = (".venv/", "bench/results/")
LONGEST_LINE = 120
DEFAULTS = {"concurrency": "cores x 2"}


def read(page: str) -> str:
    return (REPOSITORY / page).read_text(encoding="utf-8")


def sections(page: str) -> dict[str, str]:
    """Return what stands below each heading of a page, down to the next one."""
    parts = re.split(r"^#+ (.*)$", read(page), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def rows(text: str) -> Iterator[list[str]]:
    for line in text.splitlines():
        if line.startswith("| "):
            yield [cell.strip() for cell in line.strip("|").split(" | ")]


def command_of(name: str) -> click.Command:
    command: click.Command = importlib.import_module(f"cli.commands.{name}").command
    return command


def parameters_of(command: click.Command) -> Iterator[click.Parameter]:
    """Return what a command takes, or the commands of a group."""
    yield from command.params
    if isinstance(command, click.Group):
        for one in command.commands.values():
            yield from parameters_of(one)


def flags_below(command: click.Command) -> set[str]:
    """Return the flags of a command, or of all commands of a group."""
    options = (it for it in parameters_of(command) if isinstance(it, click.Option))
    return {flag for option in options for flag in (*option.opts, *option.secondary_opts)}


@pytest.mark.parametrize("name", COMMANDS)
def test_commands_of_a_group_and_their_flags_stand_in_the_reference(name: str) -> None:
    command = command_of(name)
    if not isinstance(command, click.Group):
        return
    (text,) = (
        text
        for title, text in sections("docs/reference/cli.md").items()
        if re.search(rf"`trueline {name}\b", title)
    )
    told = {row[0] for row in rows(text)}
    for inner in command.commands.values():
        arguments = [it for it in inner.params if isinstance(it, click.Argument)]
        metavars = [it.make_metavar(click.Context(inner)) for it in arguments]
        assert f"`{' '.join([str(inner.name), *metavars])}`" in told
    assert all(f"`{flag}" in text for flag in flags_below(command))


@pytest.mark.parametrize("name", COMMANDS)
def test_command_and_its_flags_stand_in_the_reference(name: str) -> None:
    found = [
        (title, text)
        for title, text in sections("docs/reference/cli.md").items()
        if re.search(rf"`trueline {name}\b", title)
    ]
    ((title, text),) = found
    for parameter in parameters_of(command_of(name)):
        if isinstance(parameter, click.Argument):
            assert parameter.make_metavar(click.Context(command_of(name))) in title + text
        else:
            assert any(f"`{flag}" in text for flag in parameter.opts), parameter.opts


@pytest.mark.parametrize("name", COMMANDS)
def test_reference_names_no_flag_that_a_command_lacks(name: str) -> None:
    (text,) = (
        text
        for title, text in sections("docs/reference/cli.md").items()
        if re.search(rf"`trueline {name}\b", title)
    )
    flags = flags_below(command_of(name))
    told = {flag for row in rows(text) for flag in re.findall(r"`(--[\w-]+)", row[0])}
    assert told <= flags


def test_every_setting_stands_in_the_table_with_its_default() -> None:
    told = {
        row[0].strip("`"): (row[1].strip("`"), row[2])
        for row in rows(sections("docs/operating.md")["Settings"])
        if row[0].startswith(f"`{PREFIX}")
    }
    wanted = {
        f"{PREFIX}{name.upper()}": (DEFAULTS.get(name) or _shown(field.default), field.description)
        for name, field in Settings.model_fields.items()
    }
    assert told == wanted


def test_every_argument_of_the_decorator_stands_in_the_reference() -> None:
    told = {row[0].strip("`") for row in rows(sections("docs/reference/results.md")["`@task`"])}
    parameters = inspect.signature(task).parameters.values()
    assert {it.name for it in parameters if it.kind is not it.VAR_KEYWORD} <= told


def test_every_route_and_nothing_else_stands_in_the_reference(tmp_path: Path) -> None:
    app = create_app(read_settings({"TRUELINE_DATA_DIR": str(tmp_path)}, tmp_path))
    described = {
        f"{method.upper()} {path}"
        for path, methods in describe(app)["paths"].items()
        for method in methods
    }
    pages = {"GET /", "GET /jobs/{job_id}", "GET /violations", "GET /openapi.json"}
    pages |= {"GET /login", "POST /login", "GET /login/oidc", "GET /login/callback", "POST /logout"}
    pages |= {"GET /docs", "GET /docs/rapidoc.js"}
    told = re.findall(r"`((?:GET|POST|PUT|PATCH|DELETE) /\S*)`", read("docs/reference/api.md"))
    assert set(told) == described | pages


def test_every_field_of_an_answer_stands_in_the_reference(tmp_path: Path) -> None:
    app = create_app(read_settings({"TRUELINE_DATA_DIR": str(tmp_path)}, tmp_path))
    schemas: dict[str, Any] = describe(app)["components"]["schemas"]
    text = read("docs/reference/api.md")
    for name in (
        "Integration",
        "Deployment",
        "JobAnswer",
        "ViolationAnswer",
        "Registration",
        "Accepted",
        "Ready",
        "IntakeAnswer",
        "LeaseList",
        "RenewalAnswer",
        "TickAnswer",
    ):
        for field in schemas[name]["properties"]:
            assert re.search(rf"\b{field}\b", text), (name, field)


@pytest.mark.parametrize("page", PAGES)
def test_links_resolve(page: str) -> None:
    home = (REPOSITORY / page).parent
    for link in re.findall(r"\]\(([^)\s]+)\)", read(page)):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (home / path).resolve() if path else REPOSITORY / page
        assert target.exists(), link
        if anchor:
            titles = sections(target.relative_to(REPOSITORY).as_posix())
            assert anchor in {_anchor(title) for title in titles}, link


@pytest.mark.parametrize("page", PAGES)
def test_files_that_a_page_names_exist(page: str) -> None:
    for named in re.findall(r"`([^`\n]+)`", read(page)):
        path = named.rstrip("/")
        if not TOP_FOLDER.fullmatch(path) or path.startswith((*EXAMPLES, *MADE_BY_MAKE)):
            continue
        assert any(REPOSITORY.glob(path)), named


@pytest.mark.parametrize("page", GUIDES)
def test_lines_are_short_enough_to_read(page: str) -> None:
    long = [line for line in read(page).splitlines() if len(line) > LONGEST_LINE]
    assert long == []


@pytest.mark.parametrize("page", PAGES)
def test_make_targets_that_a_page_names_exist(page: str) -> None:
    targets = set(re.findall(r"^([a-z]+):", read("Makefile"), flags=re.MULTILINE))
    named = set(re.findall(r"(?:`|\$ )make ([a-z]+)", read(page)))
    assert named <= targets


def _shown(default: object) -> str:
    shown: dict[bool, Callable[[], str]] = {True: lambda: "none", False: lambda: str(default)}
    return shown[default in {None, ""}]()


def _anchor(title: str) -> str:
    kept = re.sub(r"[^\w\- ]", "", title.lower())
    return kept.replace(" ", "-")
