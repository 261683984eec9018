import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from worker.child_command import Resumption, child_command, describe_spec, run_spec
from worker.execution import JobOrder, Limits, Prepared, ProcessExecutor, StopSignal
from worker.job_directories import JobDirectory

LIMITS = Limits(
    task_timeout_seconds=5,
    job_timeout_seconds=10,
    memory_limit_mb=512,
    result_limit_bytes=1024,
    log_limit_bytes=1024,
)

RunPlugin = Callable[..., Any]


def test_child_sees_a_scrubbed_world(
    executor_with: Callable[..., ProcessExecutor], prepare: Callable[..., Prepared]
) -> None:
    environ = {
        "https_proxy": "http://proxy:1",
        "SSL_CERT_FILE": "/ca.pem",
        "TRUELINE_TOKEN": "hidden",
        "LD_PRELOAD": "x",
        "PATH": "/nowhere",
    }
    events: list[dict[str, Any]] = []
    order = JobOrder("j", 1, "misbehaving", {"act": "show_surroundings", "note": "canary"})
    executor_with(environ).run(order, prepare("misbehaving"), events.append, StopSignal())
    results = {e["result"]["name"]: e["result"] for e in events if e["type"] == "task_finished"}
    seen = results["misbehave"]["data"]
    variables = seen["variables"]
    expected = {"PATH", "HOME", "TMPDIR", "LANG", "https_proxy", "SSL_CERT_FILE"}
    assert set(variables) - {"LC_CTYPE"} == expected
    assert variables["HOME"] == seen["cwd"] + "/home"
    assert variables["TMPDIR"] == seen["cwd"] + "/tmp"
    assert "/nowhere" not in variables["PATH"]
    assert "canary" not in json.dumps([seen["arguments"], variables])
    assert seen["isolated"] == 1  # neither variables nor folders say where modules come from
    assert seen["umask"] == 0o077
    assert seen["modes"] == {".": 0o700, "home": 0o700, "tmp": 0o700}
    assert seen["group"]
    assert seen["session"]
    assert int(seen["blocked"], 16) == 0
    others = [target for fd, target in seen["descriptors"].items() if int(fd) > 3]
    assert all(target == "gone" or target.startswith(seen["cwd"]) for target in others)
    assert not [path for path in Path(seen["cwd"]).rglob("*") if not path.is_dir()]


def test_file_beyond_the_limit_is_refused_to_the_task(run_plugin: RunPlugin) -> None:
    job = run_plugin("misbehaving", {"act": "fill_a_file"})
    assert "File too large" in job.results["misbehave"]["reason"]


def test_secrets_are_on_stdin_alone(prepare: Callable[..., Prepared], tmp_path: Path) -> None:
    prepared, directory = prepare("misbehaving"), JobDirectory(tmp_path)
    order = JobOrder("job-7", 3, "misbehaving", {"password": "canary"}, ("/password",))
    command = child_command(prepared, directory, LIMITS, {"HTTPS_PROXY": "http://p", "X": "y"})
    assert "canary" not in str(command)
    assert command.rlimits["RLIMIT_CORE"] == 0
    assert command.rlimits["RLIMIT_AS"] == 512 * 1024 * 1024
    spec = json.loads(run_spec(order, prepared, directory, LIMITS, None))
    assert spec == {
        "mode": "run",
        "integration": "misbehaving",
        "snapshot": str(prepared.snapshot),
        "config": {"password": "canary"},
        "job_id": "job-7",
        "attempt": 3,
        "source": {"url": "file:///source", "ref": "main", "commit": "c" * 40},
        "task_timeout_seconds": 5,
        "result_limit_bytes": 1024,
        "only": None,
        "spool": str(tmp_path / "results.jsonl"),
        "resume": False,
        "done": [],
        "alone": [],
        "request_id": "",
        "traceparent": "",
        "with_needed": False,
        "exchanges": None,
        "debug": False,
    }


def test_a_taped_job_is_told_which_values_are_secret(
    prepare: Callable[..., Prepared], tmp_path: Path
) -> None:
    config = {"password": "canary", "url": "u"}
    taped = {"mode": "record"}
    order = JobOrder("job-7", 3, "misbehaving", config, ("/password",), exchanges=taped)
    spec = json.loads(run_spec(order, prepare("misbehaving"), JobDirectory(tmp_path), LIMITS, None))
    assert spec["exchanges"] == {"mode": "record", "secrets": ["canary"]}


def test_later_child_is_told_what_is_done(prepare: Callable[..., Prepared], tmp_path: Path) -> None:
    order = JobOrder("job-7", 3, "misbehaving", {}, only=("a", "b"))
    spec = json.loads(
        run_spec(
            order,
            prepare("misbehaving"),
            JobDirectory(tmp_path),
            LIMITS,
            Resumption(("a",), ("b",)),
        )
    )
    assert (spec["resume"], spec["done"], spec["only"]) == (True, ["a"], ["a", "b"])


def test_description_asks_with_an_empty_config(
    prepare: Callable[..., Prepared], tmp_path: Path
) -> None:
    spec = json.loads(describe_spec(prepare("misbehaving"), JobDirectory(tmp_path), LIMITS))
    assert (spec["mode"], spec["config"]) == ("describe", {})
