from pathlib import Path

from utils.results import TaskStatus, unrun_result
from utils.spool import Spool
from utils.tasks import TaskSpec, TaskType


def result_line(name: str, reason: str = "") -> str:
    spec = TaskSpec(name, name, None, TaskType.COLLECTOR, None, 100, True, ())
    result = unrun_result(spec, reason, TaskStatus.FAILED)
    return result._replace(data='{"in":{"n":[{}]}}').as_json()


def test_no_file_holds_no_results(tmp_path: Path) -> None:
    assert Spool(str(tmp_path / "spool")).results() == {}


def test_results_come_back_and_the_last_of_a_name_counts(tmp_path: Path) -> None:
    path = str(tmp_path / "spool")
    spool = Spool(path)
    for name, reason in (("a", "first"), ("b", "only"), ("a", "ümlaut\nsecond")):
        spool.append(result_line(name, reason))
    results = Spool(path).results()
    assert {name: result.reason for name, result in results.items()} == {
        "a": "ümlaut\nsecond",
        "b": "only",
    }


def test_a_line_cut_off_at_any_byte_spoils_no_other(tmp_path: Path) -> None:
    path = tmp_path / "spool"
    whole = (result_line("a") + "\n").encode()
    for cut in range(len(whole)):
        path.write_bytes(whole + whole.replace(b'"a"', b'"b"')[:cut])
        Spool(str(path)).append(result_line("c"))
        assert {"a", "c"} <= set(Spool(str(path)).results()), cut
