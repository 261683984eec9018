import io
import json

import pytest
from rich.console import Console

from cli.render import (
    GLANCE,
    make_console,
    print_json,
    print_problem,
    print_violations,
    severity,
    shortened,
    state,
    table,
    task_line,
    text,
)

VIOLATION = {
    "severity": "high",
    "deployment_name": "[bold]nightly[/]",
    "task": "check",
    "resource_id": "a/b",
    "message": "two\nlines",
    "status": "open",
}


def shown(*lines: object) -> str:
    out = io.StringIO()
    console = Console(file=out, width=200, no_color=True)
    for line in lines:
        console.print(line)
    return out.getvalue()


def test_what_a_plugin_says_is_never_markup() -> None:
    assert shown(text("[red]x[/]"), state("[b]"), severity("[b]")) == "[red]x[/]\n• [b]\n[b]\n"


def test_what_others_named_cannot_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    steering = "\x1b[2J\x9b31m\x1b]0;title\x07\u202e"
    violation = VIOLATION | {"resource_id": steering, "message": steering}
    finished = {"name": steering, "status": "failed", "message": steering}
    console = Console(width=300, force_terminal=True, no_color=True)
    print_violations(console, [violation], "violations")
    console.print(text(steering), task_line(finished))
    print_problem(console, {"reason": steering, "advice": steering})
    print_json(violation)
    printed = capsys.readouterr().out
    assert not set("\x9b\x07\u202e") & set(printed)
    assert not any(part.startswith(("[2J", "]")) for part in printed.split("\x1b")[1:])


def test_a_line_stays_a_line() -> None:
    assert text("two\n  lines") == "two lines"


def test_a_long_message_is_cut() -> None:
    assert len(shortened("x" * 500)) == GLANCE
    assert shortened("short") == "short"


def test_task_lines_align_whatever_the_verdict() -> None:
    lines = [
        shown(task_line({"name": "a", "status": status, "verdict": verdict, "duration_seconds": 1}))
        for status, verdict in (("success", "pass"), ("success", "fail"), ("skipped", "unknown"))
    ]
    assert len({line.index("1.00 s") for line in lines}) == 1


def test_violations_stand_under_their_number() -> None:
    out = io.StringIO()
    console = Console(file=out, width=200, no_color=True)
    print_violations(console, [VIOLATION], "open violations")
    print_violations(console, [VIOLATION, VIOLATION], "open violations")
    print_violations(console, [], "open violations")
    said = out.getvalue()
    assert "1 open violation\n" in said
    assert "2 open violations\n" in said
    assert "no open violations\n" in said
    assert "[bold]nightly[/]" in said
    assert "two lines" in said
    assert "status" not in said


def test_states_are_shown_where_they_differ() -> None:
    out = io.StringIO()
    console = Console(file=out, width=200, no_color=True)
    print_violations(console, [VIOLATION, VIOLATION | {"status": "muted"}], "violations")
    assert "status" in out.getvalue()
    assert "muted" in out.getvalue()


def test_a_problem_comes_with_its_next_step() -> None:
    out = io.StringIO()
    print_problem(Console(file=out, no_color=True), {"reason": "it broke", "advice": "mend it"})
    print_problem(Console(file=out, no_color=True), None)
    assert out.getvalue() == "  why  it broke\n  next mend it\n"


def test_json_is_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"name": "Zoë"})
    assert json.loads(capsys.readouterr().out) == {"name": "Zoë"}


def test_a_table_has_its_columns() -> None:
    assert shown(table(("name", "state"), [["a", "b"]])).split() == ["name", "state", "a", "b"]


def test_output_to_a_pipe_is_wide_and_plain(capsys: pytest.CaptureFixture[str]) -> None:
    make_console().print("[red]x[/]" + "y" * 120)
    assert capsys.readouterr().out == "x" + "y" * 120 + "\n"
