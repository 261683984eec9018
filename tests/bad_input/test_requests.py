"""Requests with wrong values: each problem points to the value and says what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.bad_input.conftest import RunCommand, Scene

GOOD: dict[str, Any] = {"host": "example.org"}
SECRET = "correct-horse"
MASK = "********"
# What is wrong: the config, and the pointer to the value with what is told of it.
CONFIGS: dict[str, tuple[dict[str, Any], str, str]] = {
    "missing": ({}, "/config", '"host" is a required property'),
    "type": (GOOD | {"port": "many"}, "/config/port", 'not of type "integer"'),
    "minimum": (GOOD | {"port": 0}, "/config/port", "less than the minimum of 1"),
    "maximum": (GOOD | {"port": 70_000}, "/config/port", "greater than the maximum of 65535"),
    "enum": (GOOD | {"mode": "quik"}, "/config/mode", '"quick"'),
    "multiple": (GOOD | {"step": 7}, "/config/step", "not a multiple of 5"),
    "format": (GOOD | {"since": "yesterday"}, "/config/since", '"date"'),
    "short": ({"host": "x"}, "/config/host", "shorter than 3 characters"),
    "long": ({"host": "x" * 31}, "/config/host", "longer than 30 characters"),
    "pattern": ({"host": "UPPER"}, "/config/host", "^[a-z.]+$"),
    "items": (GOOD | {"tags": ["a", 7]}, "/config/tags/1", 'not of type "string"'),
    "few": (GOOD | {"tags": []}, "/config/tags", "less than 1 item"),
    "many": (GOOD | {"tags": ["a", "b", "c"]}, "/config/tags", "more than 2 items"),
    "same": (GOOD | {"tags": ["a", "a"]}, "/config/tags", "non-unique"),
    "unknown": (GOOD | {"prot": 1}, "/config/prot", "is not allowed (did you mean 'port'?)"),
    "deep": (GOOD | {"login": {"user": "a"}}, "/config/login", '"password" is a required'),
    "one_of": (GOOD | {"target": 7}, "/config/target", "oneOf"),
    "mask": (
        GOOD | {"login": {"user": "a", "password": MASK}},
        "/config/login/password",
        "send it in clear",
    ),
}
# What is wrong: fields of the deployment, and the pointer to the value with what is told of it.
DEPLOYMENTS: dict[str, tuple[dict[str, Any], str, str]] = {
    "unknown": ({"shedule": "every 5m"}, "/shedule", "did you mean 'schedule'?"),
    "integration": ({"integration": "stric"}, "/integration", "did you mean 'strict'?"),
    "name": ({"name": "a/b"}, "/name", "a name begins with a letter"),
    "empty_name": ({"name": ""}, "/name", "at least 1 character"),
    "config": ({"config": []}, "/config", "expected a JSON object"),
    "enabled": ({"enabled": "yes"}, "/enabled", "boolean"),
    "cron_fields": ({"schedule": "* * *"}, "/schedule", "a cron line has 5 fields, this has 3"),
    "cron_minute": ({"schedule": "61 * * * *"}, "/schedule", "field 1 (minute, column 1) '61'"),
    "cron_weekday": ({"schedule": "0 6 * * mno"}, "/schedule", "did you mean 'mon'?"),
    "cron_step": ({"schedule": "*/0 * * * *"}, "/schedule", "'*/0' allows nothing"),
    "cron_never": ({"schedule": "0 0 31 2 *"}, "/schedule", "is never due"),
    "interval": ({"schedule": "every blue moon"}, "/schedule", "is not an interval"),
    "interval_short": ({"schedule": "every 1s"}, "/schedule", "shorter than 10 s"),
    "zone": (
        {"schedule": "@daily", "timezone": "Europe/Berln"},
        "/timezone",
        "did you mean 'Europe/Berlin'?",
    ),
}
NOWHERE = "01234567-89ab-cdef-0123-456789abcdef"
# Method and address: what is told.
UNKNOWN = {
    ("GET", "/api/v1/integrations/goood"): "did you mean 'good'?",
    ("GET", "/api/v1/deployments/goood"): "did you mean 'good'?",
    ("PATCH", "/api/v1/deployments/goood"): "did you mean 'good'?",
    ("DELETE", "/api/v1/deployments/goood"): "did you mean 'good'?",
    ("POST", "/api/v1/deployments/goood/jobs"): "did you mean 'good'?",
    ("GET", f"/api/v1/jobs/{NOWHERE}"): "there is no job",
    ("GET", f"/api/v1/jobs/{NOWHERE}/tasks"): "there is no job",
    ("GET", f"/api/v1/jobs/{NOWHERE}/events"): "there is no job",
    ("POST", f"/api/v1/jobs/{NOWHERE}/cancel"): "there is no job",
    ("GET", f"/api/v1/violations/{NOWHERE}"): "there is no violation",
    ("GET", "/api/v1/jobs?deployment=goood"): "did you mean 'good'?",
    ("GET", "/api/v1/jobs?integration=goood"): "did you mean 'good'?",
    ("GET", "/api/v1/violations?deployment=goood"): "did you mean 'good'?",
    ("GET", "/api/v1/violations?integration=goood"): "did you mean 'good'?",
    ("GET", "/api/v1/deploymnts"): "nothing at this address",
}
COMMANDS = [
    (("scan", "goood"), "there is no deployment 'goood' (did you mean 'good'?)"),
    (("pause", "goood"), "there is no deployment 'goood' (did you mean 'good'?)"),
    (("deploy", "goood"), "there is no integration 'goood' (did you mean 'good'?)"),
    (("job", "nope"), "there is no job 'nope'"),
    (("cancel", "nope"), "there is no job 'nope'"),
    (("jobs", "--deployment", "goood"), "there is no deployment 'goood' (did you mean 'good'?)"),
    (("violations", "--deployment", "goood", "--fail-on", "low"), "did you mean 'good'?"),
    (("violations", "--integration", "goood"), "did you mean 'good'?"),
    (("run", "goood"), "integrations.json has no integration 'goood' (did you mean 'good'?)"),
    (("scan", "a/b"), "'a/b' is no name and no id"),
    (("scna", "good"), "did you mean 'scan'?"),
    (("deploy", "strict", "--set", "port"), "give it as KEY=VALUE"),
    (("deploy", "strict", "--config", "nowhere.json"), "nowhere.json: No such file"),
    (("deploy", "strict", "--config", "integrations.json"), "is no JSON object at its top"),
    (("run", "strict", "--set", "host=x"), "/host: the value is shorter than 3 characters"),
]


def refused(answer: Any, status: int) -> dict[str, Any]:
    """Return the problem of an answer that is one, with its advice."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == status
    assert problem["advice"]
    assert problem["request_id"] == answer.headers["X-Request-ID"]
    return problem


def checked_pointer(problem: dict[str, Any], pointer: str, message: str) -> None:
    told = {error["pointer"]: error["message"] for error in problem["errors"]}
    assert pointer in told
    assert message in told[pointer]


@pytest.mark.parametrize("kind", CONFIGS)
def test_bad_config_points_to_the_value_in_api_and_command(
    scene: Scene, trueline: RunCommand, kind: str
) -> None:
    config, pointer, message = CONFIGS[kind]
    new = {"name": f"bad {kind}", "integration": "strict", "config": config}

    problem = refused(scene.ask("POST", "/api/v1/deployments", json=new), 422)
    sets = [f"--set={key}={value!r}".replace("'", '"') for key, value in config.items()]
    ran = trueline("deploy", "strict", "--name", f"bad {kind}", *sets)

    checked_pointer(problem, pointer, message)
    assert ran.code == 2
    assert f"{pointer}: " in ran.said
    assert message in ran.said
    refused(scene.ask("GET", f"/api/v1/deployments/bad {kind}"), 404)


@pytest.mark.parametrize("kind", DEPLOYMENTS)
def test_bad_deployment_points_to_the_field_and_is_not_made(scene: Scene, kind: str) -> None:
    fields, pointer, message = DEPLOYMENTS[kind]
    new = {"name": f"bad {kind}", "integration": "strict", "config": GOOD} | fields
    before = scene.get("/deployments", limit=500)

    problem = refused(scene.ask("POST", "/api/v1/deployments", json=new), 422)

    checked_pointer(problem, pointer, message)
    assert scene.get("/deployments", limit=500) == before


def test_bad_change_leaves_the_deployment_and_its_secret_as_they_were(scene: Scene) -> None:
    config = GOOD | {"login": {"user": "ada", "password": SECRET}}
    made = scene.deploy("strict", name="kept", config=config)
    address = f"/api/v1/deployments/{made['id']}"
    assert made["config"]["login"]["password"] == MASK

    for config, pointer, message in CONFIGS.values():
        if "password" not in str(config):
            answer = scene.ask("PATCH", address, json={"config": config})
            checked_pointer(refused(answer, 422), pointer, message)
    for fields, pointer, message in DEPLOYMENTS.values():
        told = "cannot be changed" if "integration" in fields else message
        checked_pointer(refused(scene.ask("PATCH", address, json=fields), 422), pointer, told)
    short = GOOD | {"login": {"user": "ada", "password": "short"}}
    problem = refused(scene.ask("PATCH", address, json={"config": short}), 422)

    assert "short" not in str(problem["errors"]).replace("shorter", "")
    assert scene.ask("GET", address).json() == made
    kept = scene.ask("PATCH", address, json={"config": made["config"]})
    assert kept.status_code == 200
    assert SECRET not in kept.text
    assert SECRET not in scene.api_log.read_text()


@pytest.mark.parametrize(("method", "address"), UNKNOWN)
def test_what_is_unknown_is_not_found_with_advice(scene: Scene, method: str, address: str) -> None:
    scene.deploy("good")
    body: dict[str, Any] = {"json": {}} if method in {"PATCH", "POST"} else {}

    problem = refused(scene.ask(method, address, **body), 404)

    assert UNKNOWN[method, address] in problem["detail"]


@pytest.mark.parametrize(("arguments", "said"), COMMANDS)
def test_command_refuses_what_is_unknown_or_unreadable(
    scene: Scene, trueline: RunCommand, arguments: tuple[str, ...], said: str
) -> None:
    scene.deploy("good")

    ran = trueline(*arguments)

    assert ran.code == 2
    assert said in ran.said
    assert ran.out == ""


@pytest.mark.parametrize(
    ("content", "kind", "status", "said"),
    [
        (b'{"name": ', "application/json", 400, "the body is not JSON at line 1 column 10"),
        (b"", "application/json", 400, "the request has no body"),
        (b"name=x", "application/x-www-form-urlencoded", 415, "not announced as JSON"),
        (b"\xff\xfe", "application/json", 400, "the body is not JSON"),
        (b"[]", "application/json", 422, "the body is not valid"),
        (b"[" * 100_000, "application/json", 400, "the body is not JSON"),
        (b'"' + b"x" * 2_000_000 + b'"', "application/json", 413, "this route takes 1048576"),
        (
            b'{"name": "a", "integration": "strict", "config": {"host": NaN}}',
            "application/json",
            400,
            "not JSON",
        ),
    ],
    ids=["cut", "empty", "form", "bytes", "list", "deep", "huge", "nan"],
)
def test_unreadable_body_is_told_apart(
    scene: Scene, content: bytes, kind: str, status: int, said: str
) -> None:
    answer = scene.ask(
        "POST",
        "/api/v1/deployments",
        content=content,
        headers={"Content-Type": kind, "Connection": "close"},  # a refused body is not read on
    )

    assert said in refused(answer, status)["detail"]


@pytest.mark.parametrize(
    ("method", "address", "allowed"),
    [
        ("PUT", "/api/v1/deployments", "POST"),
        ("GET", "/init-integrations", "POST"),
        ("DELETE", "/api/v1/integrations/good", "GET"),
        ("POST", "/api/v1/violations", "GET"),
    ],
)
def test_wrong_method_names_the_right_ones(
    scene: Scene, method: str, address: str, allowed: str
) -> None:
    answer = scene.ask(method, address)

    problem = refused(answer, 405)
    assert "Allow" in problem["advice"]
    assert allowed in answer.headers["Allow"]


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("limit=0", "/limit"),
        ("limit=many", "/limit"),
        ("colour=red", "/colour"),
        ("status=runing", "/status/0"),
        ("cursor=nonsense", "/cursor"),
    ],
)
def test_bad_query_points_to_the_parameter(scene: Scene, query: str, pointer: str) -> None:
    answer = scene.ask("GET", f"/api/v1/jobs?{query}")

    problem = refused(answer, answer.status_code)
    assert answer.status_code in {400, 422}
    assert pointer.strip("/0") in str(problem)


def test_nothing_of_all_this_is_an_error_of_the_api(scene: Scene) -> None:
    scene.check_good()
    assert "request_failed" not in scene.api_log.read_text()
