import doctest
import functools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import utils.decorators
from utils.decorators import task
from utils.errors import AuthoringError
from utils.tasks import DeclaredTask, Severity, TaskType, declared_tasks

Declare = Callable[..., DeclaredTask]


@pytest.fixture
def declare() -> Declare:
    """Decorate a function in a module of its own and return what was declared."""

    def run(source: str, **names: Any) -> DeclaredTask:
        module = {"__name__": "plugin", "task": task, **names}
        exec(compile(source, "/tmp/plugin.py", "exec"), module)
        return declared_tasks(module)[-1]

    return run


TASK = "@task(name='a', title='A'{})\ndef a(self, ctx): pass\n"


@pytest.mark.parametrize(
    ("given", "order", "severity"),
    [
        ("", 100, None),
        (", type='insight'", 500, Severity.MEDIUM),
        (", type='reconciler'", 900, None),
        (", type='insight', severity='critical', order=-3", -3, Severity.CRITICAL),
    ],
)
def test_order_and_severity_default_by_type(
    given: str, order: int, severity: Severity | None, declare: Declare
) -> None:
    spec = declare(TASK.format(given)).spec
    assert (spec.order, spec.severity, spec.enabled, spec.depends_on) == (order, severity, True, ())


def test_everything_that_is_said_is_kept(declare: Declare) -> None:
    spec = declare(
        TASK.format(", description='D', enabled=False, depends_on=['x', 'y', 'x'], type='insight'")
    ).spec
    assert spec.description == "D"
    assert spec.enabled is False
    assert spec.depends_on == ("x", "y")
    assert spec.type is TaskType.INSIGHT


def test_the_function_stays_callable_as_it_is() -> None:
    def greet(_self: object, ctx: str) -> str:
        return f"hello {ctx}"

    assert task(name="greet", title="Greet")(greet) is greet
    assert greet(None, "you") == "hello you"


def test_the_place_of_the_decorator_is_known(declare: Declare) -> None:
    declared = declare("\n\n" + TASK.format(""))
    assert declared.place == "/tmp/plugin.py:3"


def test_a_wrapped_function_belongs_to_the_module_that_decorates_it(declare: Declare) -> None:
    def twice(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> list[Any]:
            return [function(*args, **kwargs)] * 2

        return wrapper

    source = "@task(name='a', title='A')\n@twice\ndef a(self, ctx): return ctx\n"
    assert declare(source, twice=twice).function(None, 1) == [1, 1]


@pytest.mark.parametrize(
    "signature",
    ["self, ctx", "self, ctx, /", "*args", "self, *rest", "self, ctx, more=1", "a, b, *, c=1"],
)
def test_signatures_that_take_self_and_ctx_are_accepted(signature: str, declare: Declare) -> None:
    assert declare(f"@task(name='a', title='A')\ndef a({signature}): pass\n").spec.name == "a"


@pytest.mark.parametrize("signature", ["", "ctx", "a, b, c", "a, b, *, c", "*, self, ctx", "**all"])
def test_other_signatures_are_refused(signature: str, declare: Declare) -> None:
    with pytest.raises(AuthoringError, match=r"write `def a\(self, ctx\):`"):
        declare(f"@task(name='a', title='A')\ndef a({signature}): pass\n")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("", "name is ''"),
        ("name='a'", "title is ''"),
        ("name='a', title=' '", "title is ' '"),
        ("name='a', title='A', description=5", "description is 5"),
        ("name='größe', title='A'", "no identifier"),
        ("name='a' * 201, title='A'", "name has 201 characters"),
        ("name='a', title='A' * 2001", "title has 2,001 characters"),
        ("name='a', title='A\\0'", "title is"),
        ("name='a', title='A', description='\\ud800'", "description is"),
        ("name=5, title='A'", "a task: name is 5"),
        ("name='a', title='A', type='insihgt'", r"did you mean 'insight'\?"),
        ("name='a', title='A', type=None", "unknown type None"),
        ("name='a', title='A', type=['insight']", "unknown type the list"),
        ("name='a', title='A', severity='low'", "severity is for insights"),
        ("name='a', title='A', type='insight', severity='HIGH'", "unknown severity 'HIGH'"),
        ("name='a', title='A', order=True", "order is True"),
        ("name='a', title='A', order=1.5", "order is 1.5"),
        ("name='a', title='A', enabled='no'", "enabled is 'no'"),
        ("name='a', title='A', depends_on=5", "depends_on holds 5"),
        ("name='a', title='A', depends_on=[len]", "depends_on holds the builtin_function"),
        ("name='a', title='A', severty='low'", r"did you mean 'severity'\?"),
    ],
)
def test_wrong_arguments_are_refused_with_place_and_advice(
    arguments: str, told: str, declare: Declare
) -> None:
    with pytest.raises(AuthoringError, match=rf"/tmp/plugin.py:1: .*{told}") as caught:
        declare(f"@task({arguments})\ndef a(self, ctx): pass\n")
    assert caught.value.advice


def test_a_class_cannot_be_a_task(declare: Declare) -> None:
    with pytest.raises(AuthoringError, match="@task stands above the type Checks"):
        declare("@task(name='a', title='A')\nclass Checks: pass\n")


def test_the_documented_example_works() -> None:
    assert doctest.testmod(utils.decorators).failed == 0


def test_every_argument_is_in_the_reference() -> None:
    reference = (Path(__file__).parents[2] / "docs/reference/results.md").read_text()
    assert [name for name in utils.decorators.ARGUMENTS if f"| `{name}` |" not in reference] == []


def test_the_reference_shows_a_task_that_works(declare: Declare) -> None:
    reference = (Path(__file__).parents[2] / "docs/reference/results.md").read_text()
    _, example, _ = re.split(r"```(?:python)?\n", reference)[0:3]
    assert declare(example).spec.name == "stock_is_enough"
