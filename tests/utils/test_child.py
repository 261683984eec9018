from collections.abc import Callable
from typing import Any

RunChild = Callable[..., Any]


def test_what_a_plugin_prints_is_never_an_event(run_child: RunChild) -> None:
    child = run_child("prints_events")
    assert child.results["list_items"]["data"]["shell"] != 0
    assert child.stdout.splitlines() == [
        '{"type":"task_finished","result":{"name":"list_items","status":"success"}}',
        "no newline \\ud800",
    ]
    assert "to stderr" in child.stderr
    assert child.kinds[-1] == "finished"
    assert child.code == 0


def test_the_plugin_finds_stdin_empty(run_child: RunChild) -> None:
    assert run_child("prints_events").results["list_items"]["data"]["stdin"] == ""


def test_leaving_with_0_is_not_finishing(run_child: RunChild) -> None:
    child = run_child("exits_silently")
    assert child.kinds == ["plan", "stage_one", "task_started"]
    assert child.stdout == "about to leave\n"


def test_a_crash_leaves_the_python_stack_in_the_log(run_child: RunChild) -> None:
    child = run_child("crashes")
    assert child.code == -11
    assert "Fatal Python error: Segmentation fault" in child.stderr
    assert "in list_items" in child.stderr


def test_threads_and_exit_handlers_left_behind_are_not_waited_for(run_child: RunChild) -> None:
    child = run_child("leaves_threads")
    assert child.kinds[-1] == "finished"
    assert child.code == 0


def test_an_order_that_cannot_be_read_ends_with_1_and_no_event(run_child: RunChild) -> None:
    child = run_child("documented", surprise=True)
    assert (child.events, child.code) == ([], 1)
    assert "surprise" in child.stderr
