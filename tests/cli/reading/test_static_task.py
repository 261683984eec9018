"""What is read of a task is what running its file would declare."""

import types
from pathlib import Path

import pytest

from cli.reading.integration_folder import read_folder
from cli.reading.static_task import tasks_of
from utils.errors import AuthoringError
from utils.tasks import declared_tasks

CASES = [
    'task(name="a", title="A")',
    'task("a", "A", "What")',
    'task(name="a", title="A", type="insight", severity="high", order=3, depends_on=["b"])',
    'task(name="a", title="A", enabled=False, depends_on=("b", "b"))',
    'task(name=NAME, title="A" " and B")',
    'task(name="a b", title="A")',
    'task(name="a", title="A", severity="low")',
    'task(name="a", title="A", type="insihgt")',
    'task(name="a", title="A", order=True)',
    'task(name="a", title="A", depends_on="b")',
    'task(name="a", title="A", nothing=1)',
    'task(title="A")',
    'task(name="a")',
]


@pytest.mark.parametrize("decorator", CASES)
@pytest.mark.parametrize("imported", ["from utils.decorators import task"])
def test_reading_says_what_running_says(decorator: str, imported: str, tmp_path: Path) -> None:
    folder = tmp_path / "integrations/a/collectors"
    folder.mkdir(parents=True)
    text = f'{imported}\n\nNAME = "a"\n\n\n@{decorator}\ndef a(self, ctx):\n    pass\n'
    (folder / "x.py").write_text(text)
    ((file),) = read_folder(tmp_path, "a").files
    (read,) = tasks_of(file)
    module = types.ModuleType("ran")
    code = compile(text, str(folder / "x.py"), "exec")
    if read.problem is None:
        exec(code, vars(module))
        assert [read.spec] == [one.spec for one in declared_tasks(vars(module))]
        assert read.line == 6
        return
    with pytest.raises(AuthoringError) as raised:
        exec(code, vars(module))
    assert raised.value.reason.endswith(read.problem.reason)
    assert raised.value.advice == read.problem.advice


def test_what_only_running_would_tell_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "integrations/a"
    folder.mkdir(parents=True)
    text = "import utils.decorators as d\n@d.task(*X, name=f(), title='A', **Y)\ndef a(s, c): ...\n"
    (folder / "entry.py").write_text(text)
    (read,) = read_folder(tmp_path, "a").tasks
    assert read.spec is None
    assert set(read.computed) == {"*", "**", "name"}
