import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from cli.client import Client
from cli.stack import Stack
from utils.settings import read_settings


@pytest.fixture
def keyed(trueline: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Call the command on a machine with a key and a database of its own."""
    key_file = tmp_path / "signing.json"
    assert trueline("token", "key", str(key_file)).code == 0
    monkeypatch.setenv("TRUELINE_SIGNING_KEY_FILE", str(key_file))
    monkeypatch.setenv("TRUELINE_DATA_DIR", str(tmp_path / "data"))
    return trueline


def test_key_is_made_rotated_and_retired(trueline: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "signing.json"
    made = trueline("token", "key", str(path))
    assert "TRUELINE_SIGNING_KEY_FILE" in made.out
    assert json.loads(path.read_text())["keys"][0]["k"] not in made.out
    again = trueline("token", "key", str(path))
    assert (again.code, "--rotate" in again.err) == (3, True)
    assert trueline("token", "key", str(path), "--rotate").code == 0
    assert len(json.loads(path.read_text())["keys"]) == 2
    assert "1 keys removed" in trueline("token", "key", str(path), "--retire").out
    assert trueline("token", "key", str(path), "--retire", "--rotate").code == 2


def test_token_is_printed_once_alone_on_standard_output(keyed: Any) -> None:
    made = keyed("token", "create", "ci", "--role", "operator", "--days", "3")
    assert made.code == 0
    (token,) = made.out.split()
    assert token.count(".") == 2
    assert "not shown again" in made.err
    listed = keyed("token", "list")
    assert "ci" in listed.out
    assert "never" in listed.out
    assert token not in listed.out
    token_id = keyed("token", "list", "--json").json[0]["id"]
    assert "token of ci revoked" in keyed("token", "revoke", token_id).out
    assert "revoked" in keyed("token", "list").out
    assert "0 sessions of ada@example.com ended" in keyed("token", "logout", "ada@example.com").out


@pytest.mark.parametrize("name", ["a b", "", "x" * 65, "a@b"])
def test_name_that_is_none_is_usage(keyed: Any, name: str) -> None:
    assert keyed("token", "create", name, "--role", "viewer").code == 2


def test_without_a_key_file_the_api_is_asked(trueline: Callable[..., Any]) -> None:
    asked = trueline("token", "list")
    assert (asked.code, "no API answers" in asked.err) == (3, True)


def test_admin_issues_tokens_from_elsewhere_and_everybody_is_kept_to_their_role(
    keyed: Any, environ: Mapping[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = keyed("token", "create", "root", "--role", "admin").out.strip()
    mine = {
        **environ,
        "TRUELINE_DATA_DIR": str(tmp_path / "data"),
        "TRUELINE_SIGNING_KEY_FILE": str(tmp_path / "signing.json"),
    }
    with Stack(read_settings(mine, Path.cwd()), mine) as stack:
        stack.wait_until_ready(120)  # its worker has a token of its own
        with stack.client() as own:
            assert own.get("/me")["name"] == "up.command"
            own.send("POST", "//init-integrations")
        monkeypatch.delenv("TRUELINE_SIGNING_KEY_FILE")
        monkeypatch.setenv("TRUELINE_API_URL", stack.address)
        refused = keyed("jobs")
        assert (refused.code, "TRUELINE_TOKEN" in refused.err) == (2, True)
        monkeypatch.setenv("TRUELINE_TOKEN", first)
        made = keyed("token", "create", "eve", "--role", "viewer", "--json").json
        assert "as root (admin)" in keyed("doctor").out
        audit = keyed("audit", "--principal", "root")
        assert "tokens.create" in audit.out
        assert keyed("audit", "--refused", "--json").code == 0
        monkeypatch.setenv("TRUELINE_TOKEN", made["token"])
        assert keyed("jobs").code == 0
        denied = keyed("init")
        assert (denied.code, "takes the role operator or admin" in denied.err) == (2, True)
        monkeypatch.setenv("TRUELINE_TOKEN", first)
        assert keyed("token", "revoke", made["id"]).code == 0
        with Client(stack.address, made["token"]) as eve, pytest.raises(Exception, match="revoked"):
            eve.get("/jobs")
        assert keyed("token", "list").out.count("up.") == 2
        assert keyed("token", "logout", "eve", "--json").json == {"closed": 0}
