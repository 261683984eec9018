from utils.tasks import DeclaredTask, Severity, TaskSpec, TaskType, declared_tasks, remember_task


def spec(name: str, kind: TaskType = TaskType.COLLECTOR, order: int = 100) -> TaskSpec:
    return TaskSpec(name, name, None, kind, None, order, True, ())


def declared(name: str, line: int = 1) -> DeclaredTask:
    return DeclaredTask(spec(name), lambda _self, _ctx: None, "/plugins/a.py", line)


def test_phase_counts_before_order_and_order_before_name() -> None:
    tasks = [
        spec("fix", TaskType.RECONCILER, 1),
        spec("judge", TaskType.INSIGHT, 1),
        spec("b", order=5),
        spec("a", order=5),
        spec("first", order=-1),
    ]
    ordered = sorted(tasks, key=lambda task: task.position)
    assert [task.name for task in ordered] == ["first", "a", "b", "judge", "fix"]


def test_a_module_remembers_every_task_in_order() -> None:
    module = {"__spec__": object()}
    for name in ("a", "b", "a"):
        remember_task(module, declared(name))
    assert [task.spec.name for task in declared_tasks(module)] == ["a", "b", "a"]


def test_a_new_run_of_the_module_begins_anew() -> None:
    module = {"__spec__": object()}
    remember_task(module, declared("a"))
    module["__spec__"] = object()
    remember_task(module, declared("a", line=7))
    assert [task.line for task in declared_tasks(module)] == [7]


def test_a_module_without_tasks_has_none() -> None:
    assert declared_tasks({}) == ()


def test_the_place_names_file_and_line() -> None:
    assert declared("a", line=7).place == "/plugins/a.py:7"


def test_severities_are_ranked_from_one_to_four() -> None:
    ranks = {severity.value: severity.rank for severity in Severity}
    assert ranks == {"low": 1, "medium": 2, "high": 3, "critical": 4}
