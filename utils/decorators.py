"""`@task`: what makes a plugin's function a collector, an insight or a reconciler."""

import sys
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from utils.errors import AuthoringError
from utils.failures import clean_text, shown_path
from utils.suggest import did_you_mean
from utils.tasks import DEFAULT_ORDERS, DeclaredTask, Severity, TaskSpec, TaskType, remember_task

MAX_NAME_CHARACTERS = 200
MAX_TITLE_CHARACTERS = 2000

F = TypeVar("F", bound=Callable[..., Any])

_TAKES_MORE_POSITIONALS = 0x04  # inspect.CO_VARARGS; importing inspect costs each job 5 ms
ARGUMENTS = ("name", "title", "description", "type", "severity", "order", "enabled", "depends_on")


def task(  # noqa: PLR0913 - the decorator's arguments are the contract with authors
    name: str = "",
    title: str = "",
    description: str | None = None,
    *,
    type: str = "collector",  # noqa: A002 - the documented argument's name
    severity: str | None = None,
    order: int | None = None,
    enabled: bool = True,
    depends_on: tuple[str, ...] | list[str] = (),
    **unknown: Any,
) -> Callable[[F], F]:
    """Declare the function below as a task; the function itself stays as it is.

    `name` identifies the task within its integration, `title` is what people read. `type` is
    `collector`, `insight` or `reconciler`; `severity` is for insights alone (`medium` when left
    out). `order` defaults to 100, 500 and 900 by type. `depends_on` names tasks without whose
    success this one is skipped. Raises AuthoringError with the place and the fix.

    >>> @task(name="list_items", title="List items")
    ... def list_items(self, ctx):
    ...     return {"data": {"items": ["lamp"]}}
    """
    caller = sys._getframe(1)  # noqa: SLF001 - where the author wrote it; inspect would cost 5 ms
    module, file, line = caller.f_globals, caller.f_code.co_filename, caller.f_lineno
    place = f"{shown_path(file)}:{line}"
    spec = checked_spec(
        place,
        {
            "name": name,
            "title": title,
            "description": description,
            "type": type,
            "severity": severity,
            "order": order,
            "enabled": enabled,
            "depends_on": depends_on,
            **unknown,
        },
    )

    def declare(function: F) -> F:
        _Declaration(place, name).check_signature(function)
        remember_task(module, DeclaredTask(spec, function, file, line))
        return function

    return declare


def checked_spec(place: str, arguments: Mapping[str, Any]) -> TaskSpec:
    """Return what these arguments of `@task` declare; raises AuthoringError that names `place`."""
    name = arguments.get("name", "")
    said = _Declaration(place, name)
    said.check_name(name)
    said.check_unknown(arguments)
    said.check_text("title", arguments.get("title", ""))
    description = arguments.get("description")
    if description is not None:
        said.check_text("description", description)
    kind = said.checked_type(arguments.get("type", "collector"))
    return TaskSpec(
        name=name,
        title=arguments["title"],
        description=description,
        type=kind,
        severity=said.checked_severity(arguments.get("severity"), kind),
        order=said.checked_order(arguments.get("order"), kind),
        enabled=said.checked_enabled(arguments.get("enabled", True)),
        depends_on=said.checked_depends_on(arguments.get("depends_on", ())),
    )


class _Declaration:
    """One use of the decorator: checks what was given and tells where it stands."""

    def __init__(self, place: str, name: Any) -> None:
        self.place = place
        self.subject = f"task {name!r}" if isinstance(name, str) and name else "a task"

    def error(self, reason: str, advice: str) -> AuthoringError:
        return AuthoringError(f"{self.place}: {self.subject}: {reason}", advice)

    def check_name(self, name: Any) -> None:
        if callable(name):
            raise self.error("@task has no arguments", 'write @task(name="...", title="...")')
        if not isinstance(name, str) or not name.isascii() or not name.isidentifier():
            raise self.error(
                f"name is {_shown(name)}, which is no identifier",
                'use letters, digits and "_", such as name="list_items"',
            )
        if len(name) > MAX_NAME_CHARACTERS:
            raise self.error(
                f"name has {len(name):,} characters, at most {MAX_NAME_CHARACTERS} are kept",
                "choose a shorter one; say the rest in title and description",
            )

    def check_unknown(self, given: Mapping[str, Any]) -> None:
        for argument in (name for name in given if name not in ARGUMENTS):
            raise self.error(
                f"unknown argument {argument!r}{did_you_mean(argument, ARGUMENTS)}",
                f"the arguments are {', '.join(ARGUMENTS)}",
            )

    def check_text(self, argument: str, value: Any) -> None:
        if not isinstance(value, str) or not value.strip() or clean_text(value) != value:
            raise self.error(
                f"{argument} is {_shown(value)}", f'give it as text: {argument}="What it does"'
            )
        if argument == "title" and len(value) > MAX_TITLE_CHARACTERS:
            raise self.error(
                f"title has {len(value):,} characters, at most {MAX_TITLE_CHARACTERS:,} are kept",
                "say the rest in description",
            )

    def checked_type(self, value: Any) -> TaskType:
        known = [kind.value for kind in TaskType]
        if value not in known:
            raise self.error(
                f"unknown type {_shown(value)}{_nearest(value, known)}",
                f"type is one of {', '.join(known)}",
            )
        return TaskType(value)

    def checked_severity(self, value: Any, kind: TaskType) -> Severity | None:
        known = [severity.value for severity in Severity]
        if kind is not TaskType.INSIGHT:
            if value is not None:
                raise self.error(
                    f"severity is for insights, and this is a {kind}",
                    'remove severity, or write type="insight"',
                )
            return None
        if value is not None and value not in known:
            raise self.error(
                f"unknown severity {_shown(value)}{_nearest(value, known)}",
                f"severity is one of {', '.join(known)}",
            )
        return Severity.MEDIUM if value is None else Severity(value)

    def checked_order(self, value: Any, kind: TaskType) -> int:
        if value is None:
            return DEFAULT_ORDERS[kind]
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.error(f"order is {_shown(value)}", "give a whole number, such as order=100")
        return int(value)

    def checked_enabled(self, value: Any) -> bool:
        if not isinstance(value, bool):
            raise self.error(f"enabled is {_shown(value)}", "write enabled=True or enabled=False")
        return value

    def checked_depends_on(self, value: Any) -> tuple[str, ...]:
        if isinstance(value, str):
            raise self.error(
                f"depends_on is the text {value!r}", f'write depends_on=("{value}",), with a comma'
            )
        names = tuple(value) if isinstance(value, (tuple, list)) else (value,)
        for name in names:
            if not isinstance(name, str):
                raise self.error(
                    f"depends_on holds {_shown(name)}",
                    'give the names of tasks: depends_on=("list_items",)',
                )
        return tuple(dict.fromkeys(names))

    def check_signature(self, function: Any) -> None:
        if isinstance(function, type) or not callable(function):
            raise self.error(
                f"@task stands above {_shown(function)}", "put it above `def name(self, ctx):`"
            )
        code = getattr(function, "__code__", None)
        if code is None or _takes_self_and_ctx(function, code):
            return
        written = ", ".join(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])
        raise self.error(
            f"{function.__name__}({written}) cannot be called with (self, ctx)",
            f"write `def {function.__name__}(self, ctx):`",
        )


def _takes_self_and_ctx(function: Any, code: Any) -> bool:
    needed = code.co_argcount - len(function.__defaults__ or ())
    takes_two = code.co_argcount >= 2 or bool(code.co_flags & _TAKES_MORE_POSITIONALS)
    needed_by_name = code.co_kwonlyargcount - len(function.__kwdefaults__ or ())
    return needed <= 2 and takes_two and not needed_by_name


def _shown(value: Any) -> str:
    if isinstance(value, (str, int, float, bool)) or value is None:
        return repr(value) if len(repr(value)) <= 80 else f"{repr(value)[:80]}..."
    return f"the {type(value).__name__} {getattr(value, '__name__', '')}".rstrip()


def _nearest(value: Any, known: list[str]) -> str:
    return did_you_mean(value, known) if isinstance(value, str) else ""
