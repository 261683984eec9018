from pathlib import Path
from typing import Any

import pytest

from utils.errors import SettingsError
from utils.settings import Settings
from worker.vault_login import (
    AppRoleLogin,
    KubernetesLogin,
    LoginFileUnreadable,
    TokenLogin,
    login_of,
)

ADDRESS = {"vault_addr": "https://vault.example.com"}
TOKEN = {"vault_token_file": Path("/t")}
ROLE = {"vault_role_id": "r", "vault_secret_id_file": Path("/s")}


def settings(*given: dict[str, Any]) -> Settings:
    return Settings.model_validate({name: value for one in given for name, value in one.items()})


def test_each_way_is_known_by_its_settings() -> None:
    assert login_of(settings()) is None
    assert login_of(settings(ADDRESS, TOKEN)) == TokenLogin(Path("/t"))
    assert login_of(settings(ADDRESS, ROLE)) == AppRoleLogin("r", Path("/s"), "approle")
    kubernetes = {"vault_kubernetes_role": "w", "vault_auth_mount": "k8s"}
    jwt_file = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")
    assert login_of(settings(ADDRESS, kubernetes)) == KubernetesLogin("w", jwt_file, "k8s")


@pytest.mark.parametrize(
    "given",
    [
        (TOKEN,),
        (ADDRESS,),
        (ADDRESS, TOKEN, ROLE),
        (ADDRESS, {"vault_role_id": "r"}),
        *(
            ({"vault_addr": address}, TOKEN)
            for address in (
                *("http://vault.example.com", "vault:8200", "ftp://127.0.0.1"),
                *("https://user:pw@vault", "https://", "https://v:0", "https://v:x"),
            )
        ),
    ],
)
def test_settings_that_do_not_fit_together_are_refused(given: tuple[dict[str, Any], ...]) -> None:
    with pytest.raises(SettingsError) as error:
        login_of(settings(*given))
    assert error.value.advice


def test_http_is_for_this_machine() -> None:
    for host in ("127.0.0.1:8200", "localhost", "[::1]:1"):
        assert login_of(settings({"vault_addr": f"http://{host}"}, TOKEN))


@pytest.mark.parametrize("content", [None, b"", b"a b", b"\xff"])
def test_file_that_holds_no_token_is_named(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(LoginFileUnreadable, match="token"):
        TokenLogin(file).log_in(None)
