"""Each rule of `trueline check`, with a fault that it finds; the clean repository has none."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from cli.check.finding import Finding
from cli.check.rules import ALL

Check = Callable[..., list[Finding]]
IMPORT = "from utils.decorators import task\n"
TASK = '@task(name="more", title="More", description="d"{})\n'
BODY = 'def more(self, ctx):\n    return {"data": {}}\n'


def code(text: str) -> dict[str, Any]:
    return {"changes": {"collectors/more.py": text}}


def task(arguments: str = "", body: str = BODY, above: str = "") -> dict[str, Any]:
    return code(f"{IMPORT}{above}{TASK.format(arguments)}{body}")


def returning(value: str, kind: str = "") -> dict[str, Any]:
    return task(kind, f"def more(self, ctx):\n    return {value}\n")


def schema(**properties: Any) -> dict[str, Any]:
    return {"entry": {"schema": {"type": "object", "properties": properties}}}


INSIGHT = ', type="insight"'
RUNNER = "from utils.base_runner import BaseRunner\n\nclass Runner(BaseRunner):\n"
DESCRIBED = {"description": "d"}
GITHUB_TOKEN = "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a"
BAD: Mapping[str, list[dict[str, Any]]] = {
    "file-unreadable": [
        {"changes": {"collectors/more.py": b"x = '\xff'\n"}},
        {"changes": {"collectors/more.py": b"#" * (5 * 1024 * 1024)}},
        {"changes": {"collectors/more.py": "x = " + "(" * 5_000 + ")" * 5_000}},
        {"changes": {"collectors/more.py": "x = " + "-" * 50_000 + "1"}},
    ],
    "syntax": [code("def broken(:\n"), code("x = 1\0\n")],
    "file-name": [{"changes": {"collectors/more.v2.py": ""}}],
    "manifest-unreadable": [
        {"manifest": ""},
        {"manifest": "[{]"},
        {"manifest": "{}"},
        {"manifest": "[" * 100_000},
    ],
    "manifest-entry": [
        {"entry": {"titel": "Shop"}},
        {"entry": {"title": 1}},
        {"entry": {"hosts": ["https://x"]}},
        {"manifest": '[{"name": "shop", "title": "a"}, {"name": "shop", "title": "b"}]'},
    ],
    "schema-invalid": [
        {"entry": {"schema": {"type": "array"}}},
        schema(a={"type": "strin", **DESCRIBED}),
        schema(a={"$ref": "https://example.com/a.json", **DESCRIBED}),
    ],
    "schema-description": [schema(a={"type": "string"})],
    "schema-secret": [
        schema(password={"type": "string", **DESCRIBED}),
        schema(api_key=DESCRIBED),
        schema(a={**DESCRIBED, "properties": {"token": {"type": ["string", "null"]}}}),
    ],
    "hosts-missing": [{"manifest": '[{"name": "shop", "title": "Shop"}]'}],
    "folder-missing": [{"entry": {"name": "shopp"}}],
    "folder-unlisted": [{"manifest": "[]"}],
    "entry-missing": [{"changes": {"entry.py": None}}],
    "runner-missing": [
        {"changes": {"entry.py": "class Runer:\n    pass\n"}},
        {"changes": {"entry.py": "class Runner:\n    pass\n"}},
    ],
    "runner-name": [{"changes": {"entry.py": f'{RUNNER}    name = "other"\n'}}],
    "runner-stage": [
        {"changes": {"entry.py": f"{RUNNER}    class StageOne:\n        pass\n"}},
        {
            "changes": {
                "entry.py": f"{RUNNER}    class StageOne(BaseRunner.StageOne):\n"
                "        async def start(self):\n            return {}\n"
            }
        },
        {"changes": {"entry.py": f"{RUNNER}    parallel_tasks = 0\n"}},
    ],
    "task-argument": [
        task(', type="colector"'),
        task(', severity="high"'),
        task(', type="insight", severity="hihg"'),
        task(', order="first"'),
        task(", ordre=1"),
        task(', depends_on="goods"'),
        code(f'{IMPORT}@task(name="not a name", title="T", description="d")\n{BODY}'),
        code(f'{IMPORT}@task(name="more", title="", description="d")\n{BODY}'),
        code(f"{IMPORT}@task\n{BODY}"),
        code(f"import utils.decorators as d\n@d.task\n{BODY}"),
    ],
    "task-computed": [task(", order=len('abc')"), task(", **{}")],
    "task-description": [code(f'{IMPORT}@task(name="more", title="More")\n{BODY}')],
    "task-signature": [task(body='def more(ctx):\n    return {"data": {}}\n')],
    "task-duplicate": [code(f'{IMPORT}@task(name="goods", title="G", description="d")\n{BODY}')],
    "task-dependency": [task(', depends_on=("gods",)'), task(', depends_on=("priced",)')],
    "task-cycle": [
        task(', depends_on=("more",)'),
        task(
            ', depends_on=("other",)',
            above='@task(name="other", title="O", description="d", depends_on=("more",))\n'
            'def other(self, ctx):\n    return {"data": {}}\n\n',
        ),
    ],
    "task-missing": [{"changes": {"collectors/goods.py": "", "insights/priced.py": ""}}],
    "task-place": [{"changes": {"tasks.py": f"{IMPORT}{TASK.format('')}{BODY}"}}],
    "upstream-unknown": [
        task(body='def more(self, ctx):\n    return {"data": ctx.get_data("gods")}\n'),
        task(body='def more(self, ctx):\n    return {"data": ctx.get_data("priced")}\n'),
    ],
    "result-shape": [
        returning("{'message': 'done'}"),
        returning("{'data': {}, 'violation': True}"),
        returning("{'data': {}, 'resources': []}"),
        returning("{'data': {}, 'mesage': ''}", INSIGHT),
        returning("{'data': {}, 'resources': [{'name': 'a'}]}", INSIGHT),
        returning("{'data': {}, 'resources': [{'id': 'a', 'severity': 'hihg'}]}", INSIGHT),
        returning("{'data': {}, 'resources': [{'message': x} for x in 'ab']}", INSIGHT),
        returning("{'data': {}, 'resources': 'a'}", INSIGHT),
        returning("{'data': {}, 'violation': 'yes'}", INSIGHT),
        returning("{'data': 'text'}"),
        returning("{'data': {}, 'message': 1}"),
        returning("[1]"),
        returning("None"),
        task(body="def more(self, ctx):\n    ctx.add_log('x')\n"),
    ],
    "requirement-invalid": [
        {"changes": {"requirements.txt": "boto3 1.40\n"}},
        {"changes": {"requirements.txt": "-r other.txt\n"}},
        {"changes": {"requirements.txt": "requests==1.0\n"}},
    ],
    "requirement-unpinned": [{"changes": {"requirements.txt": "boto3>=1\n"}}],
    "import-missing": [code("import redis\n"), code("from api.tables import jobs\n")],
    "import-own": [
        code("from utils.decoratrs import task\n"),
        code("from integrations.shop.prices import PRICES\n"),
        code("from .prices import PRICES\n"),
    ],
    "secret-in-code": [
        code(f'TOKEN = "{GITHUB_TOKEN}"\n'),
        code('connect(password="Wq7-zzT4kLp9")\n'),
        code('AUTH = {"api_key": "9f8b7c6d5e4f3a2b1c0d"}\n'),
        code("# -----BEGIN RSA " + "PRIVATE KEY-----\n"),
        code('URL = "https://ada:' + 'Wq7zzT4kLp@db.internal/x"\n'),
        {"changes": {"tests/exchanges/default/0001.json": f'{{"body": "{GITHUB_TOKEN}"}}'}},
        {"changes": {"defaults.yaml": "url: https://x.example\napi_key: 9f8b7c6d5e4f3a2b1c0d\n"}},
        {"entry": {"description": f"Try {GITHUB_TOKEN}"}},
        {"changes": {".env": "export DB_PASSWORD=Wq7-zzT4kLp9\n"}},
        {"changes": {"keys/shop.pem": "-----BEGIN " + "PRIVATE KEY-----\nMIIE\n"}},
    ],
    "config-printed": [
        task(body='def more(self, ctx):\n    print(self.config)\n    return {"data": {}}\n'),
        task(
            body='def more(self, ctx):\n    ctx.add_log(f"with {ctx.config}")\n'
            '    return {"data": {}}\n'
        ),
        task(
            body='def more(self, ctx):\n    ctx.logger.info("%s", self.config["token"])\n'
            '    return {"data": {}}\n'
        ),
    ],
    "request-timeout": [
        code("import requests\n\nrequests.get('https://example.com')\n"),
        code("from requests import post as send\n\nsend('https://example.com', json={})\n"),
        code("from urllib.request import urlopen\n\nurlopen('https://example.com')\n"),
    ],
    "quality-stale": [
        {"changes": {"quality.json": "{}"}},
        {
            "changes": {
                "quality.json": '{"tier": "gold", "digest": "sha256:0", "tests": {}, "matrix": {},'
                ' "at_version": "0.1.0"}'
            }
        },
    ],
}
ELSEWHERE = {"link-outside", "page-stale"}  # they need more than files of one folder
GOOD: Mapping[str, list[dict[str, Any]]] = {
    "schema-secret": [
        schema(key_count={"type": "integer", **DESCRIBED}),
        schema(token={"type": "string", "writeOnly": True, **DESCRIBED}),
        schema(tokens={"type": "integer", **DESCRIBED}),
    ],
    "import-missing": [
        code("import json, requests\nfrom boto3.session import Session\n"),
        code("try:\n    import redis\nexcept ImportError:\n    redis = None\n"),
        code("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import redis\n"),
        {"changes": {"requirements.txt": "PyYAML==6.0.3\n", "collectors/m.py": "import yaml\n"}},
    ],
    "import-own": [
        {"changes": {"collectors/m.py": "from ..prices import P\n", "prices.py": "P = 1\n"}},
        code("from utils.http import HTTPClient\n"),
    ],
    "request-timeout": [
        code("import requests\n\nrequests.get('https://example.com', timeout=3)\n"),
        code("import requests\n\nrequests.get('https://example.com', **OPTIONS)\n"),
    ],
    "secret-in-code": [
        code('token = self.config["token"]\npassword = "***"\napi_key = "your-api-key-123"\n'),
        code('URL = "https://user:***@example.com"\nTOKEN_URL = "https://example.com/oauth/v2"\n'),
        code(f'TOKEN = "{GITHUB_TOKEN}"  # pragma: allowlist secret\n'),
        {
            "changes": {
                "a.yaml": "token: ${TOKEN_1234567}\napi_key: env:SHOP_KEY_1\npwd: <yours-12>\n"
            }
        },
        {"changes": {"a.json": '{"token": "Wq7-zzT4kLp9", "//": "pragma: allowlist secret"}'}},
        {"changes": {"logo.png": b"\x89PNG token=Wq7-zzT4kLp9\n\xff"}},
    ],
    "result-shape": [
        returning("{'data': {}, **more}"),
        returning("shaped({})"),
        returning("{'data': {}, 'violation': False, 'resources': None}", INSIGHT),
        task(body="def more(self, ctx):\n    raise ValueError('never')\n"),
        task(
            body="def more(self, ctx):\n    def name(x):\n        return None\n"
            '    return {"data": {}}\n'
        ),
    ],
    "config-printed": [
        task(
            body='def more(self, ctx):\n    print(self.config["url"], len(self.config))\n'
            '    return {"data": {}}\n'
        )
    ],
    "task-place": [
        {
            "changes": {
                "more.py": f"{IMPORT}{TASK.format('')}{BODY}",
                "collectors/more.py": "from integrations.shop.more import more\n",
            }
        }
    ],
    "task-computed": [
        code(
            f'{IMPORT}NAME = "more"\n\n@task(NAME, "More", "d", order=-1 + 2)\n{BODY}'.replace(
                "-1 + 2", "2"
            )
        )
    ],
    "upstream-unknown": [
        task(body='def more(self, ctx):\n    other.get_data("gods")\n    return {"data": {}}\n')
    ],
}


def test_every_rule_has_a_fault_here() -> None:
    assert {rule.id for rule in ALL} == set(BAD) | ELSEWHERE
    assert len({rule.id for rule in ALL}) == len(ALL)


def test_nothing_is_found_in_the_clean_repository(check: Check) -> None:
    assert check() == []


@pytest.mark.parametrize(
    ("rule", "fault"),
    [(rule, fault) for rule, faults in BAD.items() for fault in faults],
)
def test_the_fault_is_found(rule: str, fault: dict[str, Any], check: Check) -> None:
    findings = [finding for finding in check(**fault) if finding.rule.id == rule]
    assert findings
    for finding in findings:
        assert finding.line >= 1
        assert finding.what
        assert finding.fix
        assert GITHUB_TOKEN not in finding.message


@pytest.mark.parametrize(
    ("rule", "fine"),
    [(rule, fine) for rule, ones in GOOD.items() for fine in ones],
)
def test_what_looks_like_it_is_not_taken_for_it(
    rule: str, fine: dict[str, Any], check: Check
) -> None:
    assert [finding for finding in check(**fine) if finding.rule.id == rule] == []


@pytest.mark.parametrize("rule", ["result-shape", "task-argument", "task-duplicate", "syntax"])
def test_a_fault_is_told_once(rule: str, check: Check) -> None:
    findings = check(**BAD[rule][0])
    assert [finding.rule.id for finding in findings] == [rule]


def test_a_comment_excuses_its_line(check: Check) -> None:
    assert check(**code("import redis  # trueline: ignore[import-missing]\n")) == []
    assert check(**code("import redis  # trueline: ignore[syntax]\n")) != []


def test_places_are_the_lines_of_the_fault(check: Check) -> None:
    (found,) = check(**returning("{'message': 'done'}"))
    assert (found.path, found.line) == ("integrations/shop/collectors/more.py", 4)


def test_places_in_the_manifest_are_the_lines_of_the_key(check: Check) -> None:
    manifest = '[\n  {\n    "name": "shop",\n    "title": "Shop",\n    "hosts": [],\n'
    manifest += '    "schema": {"type": "object",\n     "properties": {\n      "a": {}}}}]'
    (found,) = check(manifest=manifest)
    assert (found.path, found.line, found.rule.id) == ("integrations.json", 8, "schema-description")


def test_near_misses_are_named(check: Check) -> None:
    assert "did you mean 'goods'" in check(**task(', depends_on=("gods",)'))[0].what
    assert "did you mean 'shop'" in check(entry={"name": "shopp"})[0].what


def test_of_two_tasks_with_one_name_both_places_are_told(check: Check) -> None:
    (found,) = check(**BAD["task-duplicate"][0])
    assert "integrations/shop/collectors/goods.py:4" in found.what
    assert (found.path, found.line) == ("integrations/shop/collectors/more.py", 2)
