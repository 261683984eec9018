import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.vault import ROOT, Bao
from utils.errors import SettingsError, TruelineError
from utils.integration_errors import Cause
from utils.settings import Settings
from worker.secret_references import SecretReferences, Unresolved
from worker.stop_signal import StopSignal

Make = Callable[..., SecretReferences]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def make(allowed: list[str], environ: dict[str, str] | None = None, **given: Any) -> Any:
        file = tmp_path / "allowed.json"
        file.write_text(json.dumps({"dns": allowed}))
        values = {"data_dir": tmp_path / "data", "references_file": file, **given}
        return SecretReferences.of(Settings.model_validate(values), environ or {})

    return make


def resolve(references: SecretReferences, text: str, integration: str = "dns") -> Any:
    config = {"deep": [{"key": text}], "zone": "env:ZONE"}
    found = references.resolve(integration, config, ("/deep/0/key",), StopSignal())
    assert found["zone"] == "env:ZONE"
    assert config["deep"] == [{"key": text}]
    return found["deep"][0]["key"]


def refusal(references: SecretReferences, text: str, integration: str = "dns") -> Unresolved:
    with pytest.raises(Unresolved) as error:
        resolve(references, text, integration)
    assert "/deep/0/key" in error.value.reason
    return error.value


def test_variable_is_put_where_its_reference_stands(make: Make) -> None:
    references = make(["env:DNS_*"], {"DNS_KEY": "s3cret", "DNS_EMPTY": " "})
    assert resolve(references, "env:DNS_KEY") == "s3cret"
    for name in ("DNS_EMPTY", "DNS_NONE"):
        error = refusal(references, f"env:{name}")
        assert (error.cause, "not set" in error.reason) == (None, True)


def test_foreign_reference_is_refused_with_what_to_add(make: Make, tmp_path: Path) -> None:
    references = make(["env:DNS_*"], {"WEB_KEY": "s3cret", "DNS_KEY": "s3cret"})
    for text, integration in (("env:WEB_KEY", "dns"), ("env:DNS_KEY", "web")):
        error = refusal(references, text, integration)
        assert f"{integration!r} may not use {text}" in error.reason
        assert json.dumps({integration: [text]}) in error.advice
        assert str(tmp_path / "allowed.json") in error.advice


def test_file_is_read_each_time_and_so_is_what_is_allowed(make: Make, tmp_path: Path) -> None:
    secret = tmp_path / "key"
    references = make([])
    refusal(references, f"file:{secret}")
    secret.write_text("one\n")
    make([f"file:{tmp_path}/*"])
    assert resolve(references, f"file:{secret}") == "one"
    secret.write_text("two\n")
    assert resolve(references, f"file:{secret}") == "two"


def test_own_data_directory_is_closed(make: Make, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "secret.key").write_text("key")
    error = refusal(make(["file:/**"]), f"file:{tmp_path}/data/secret.key")
    assert "no secrets of integrations" in error.reason


def test_vault_is_asked_where_there_is_one(make: Make, bao: Bao, tmp_path: Path) -> None:
    error = refusal(make(["vault:kv/**"]), "vault:kv/data/dns#key")
    assert "TRUELINE_VAULT_ADDR" in error.advice
    token_file = tmp_path / "token"
    token_file.write_text(ROOT)
    bao.put("dns", key="s3cret")
    known = {"vault_addr": bao.address, "vault_token_file": token_file}
    references = make(["vault:kv/**"], **known)
    references.check()
    assert resolve(references, "vault:kv/data/dns#key") == "s3cret"
    assert refusal(references, "vault:kv/data/none#key").cause is Cause.AUTH


def test_check_finds_a_spoilt_file_and_settings_that_cannot_be(make: Make, tmp_path: Path) -> None:
    references = make([])
    references.check()
    (tmp_path / "allowed.json").write_text("{")
    with pytest.raises(TruelineError, match=r"allowed\.json"):
        references.check()
    with pytest.raises(SettingsError):
        make([], vault_role_id="r")


def test_text_that_is_no_reference_is_never_passed_on(make: Make) -> None:
    for text in ("s3cret", "env:TRUELINE_TOKEN"):
        assert "s3cret" not in refusal(make(["env:*"]), text).advice


def test_config_without_references_needs_nothing() -> None:
    references = SecretReferences.of(Settings.model_validate({}), {})
    assert references.resolve("dns", {"a": "env:X"}, (), StopSignal()) == {"a": "env:X"}
