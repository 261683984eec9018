import base64
import json
import ssl
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import trustme

from tests.vault import ROOT, Bao
from utils.integration_errors import Cause
from utils.references import Reference, parse_reference
from utils.settings import Settings
from worker import vault as vault_module
from worker.stop_signal import StopSignal
from worker.vault import REMEMBERED_SECONDS, Vault, VaultError
from worker.vault_login import TokenLogin

MakeVault = Callable[..., Vault]


class HandClock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def make(bao: Bao, tmp_path: Path, clock: HandClock) -> MakeVault:
    def make(token: str = "", **given: Any) -> Vault:
        token_file = tmp_path / "token"
        token_file.write_text(token + "\n")
        values: dict[str, Any] = {"vault_addr": bao.address, "vault_timeout_seconds": 2, **given}
        if token:
            values["vault_token_file"] = token_file
        settings = Settings.model_validate(values)
        vault = Vault.of(settings)
        assert vault is not None
        return Vault(settings, vault._login, clock)

    return make


def read(vault: Vault, text: str) -> str:
    reference = parse_reference(text)
    assert isinstance(reference, Reference)
    return vault.read(reference, StopSignal())


def refusal(vault: Vault, text: str) -> VaultError:
    with pytest.raises(VaultError) as error:
        read(vault, text)
    return error.value


@pytest.fixture
def token(bao: Bao) -> str:
    bao.put("bot", token="s3cret", number=7, empty="", deep={"a": 1})
    bao.allow("bots", "kv/data/bot", "kv/data/gone", "old/*")
    return bao.token("bots")


@pytest.mark.parametrize("path", ["kv/data/bot", "old/bot"])
def test_both_versions_of_the_engine_are_read(make: MakeVault, token: str, path: str) -> None:
    vault = make(token)
    vault.check()
    assert read(vault, f"vault:{path}#token") == "s3cret"
    assert read(vault, f"vault:{path}#number") == "7"
    for field in ("empty", "deep", "none"):
        error = refusal(vault, f"vault:{path}#{field}")
        assert (error.cause, path in error.reason) == (Cause.AUTH, True)


def test_denied_path_is_told_with_the_policy_that_it_needs(make: MakeVault, token: str) -> None:
    error = refusal(make(token), "vault:kv/data/other#x")
    assert error.cause is Cause.AUTH
    assert "kv/data/other" in error.reason
    assert 'path "kv/data/other" { capabilities = ["read"] }' in error.advice


@pytest.mark.parametrize("path", ["kv/data/gone", "old/gone", "old/deleted"])
def test_path_with_nothing_is_told(make: MakeVault, bao: Bao, token: str, path: str) -> None:
    bao.put("gone", x="y")
    bao.http.delete(f"/{path}")
    error = refusal(make(token), f"vault:{path}#x")
    assert (error.cause, path in error.reason) == (Cause.AUTH, True)
    assert "mount/data/name" in error.advice


def test_answer_is_remembered_for_seconds(
    make: MakeVault, bao: Bao, token: str, clock: HandClock
) -> None:
    vault = make(token)
    assert read(vault, "vault:kv/data/bot#token") == "s3cret"
    bao.put("bot", token="renewed")
    assert read(vault, "vault:kv/data/bot#token") == "s3cret"
    clock.now += REMEMBERED_SECONDS
    assert read(vault, "vault:kv/data/bot#token") == "renewed"


def test_lease_of_an_answer_shortens_how_long_it_is_remembered(
    make: MakeVault, bao: Bao, token: str, clock: HandClock
) -> None:
    bao.write("old/short", {"token": "first", "ttl": "1s"})
    vault = make(token)
    assert read(vault, "vault:old/short#token") == "first"
    bao.write("old/short", {"token": "second", "ttl": "1s"})
    clock.now += 1.5
    assert read(vault, "vault:old/short#token") == "second"


def test_app_role_logs_in_and_its_secret_id_is_read_again(
    make: MakeVault, bao: Bao, token: str, tmp_path: Path, clock: HandClock
) -> None:
    del token
    if "approle/" not in bao.http.get("/sys/auth").json():
        bao.write("sys/auth/approle", {"type": "approle"})
    role = {"token_policies": "bots", "token_ttl": "60s", "secret_id_num_uses": 1}
    bao.write("auth/approle/role/worker", role)
    role_id = bao.http.get("/auth/approle/role/worker/role-id").json()["data"]["role_id"]
    file = tmp_path / "secret-id"
    vault = make(vault_role_id=role_id, vault_secret_id_file=file)
    error = refusal(vault, "vault:kv/data/bot#token")
    assert (error.cause, str(file) in error.reason) == (Cause.TEMPORARY, True)
    for _ in range(2):
        secret_id = bao.write("auth/approle/role/worker/secret-id", {})["data"]["secret_id"]
        file.write_text(secret_id)
        assert read(vault, "vault:kv/data/bot#token") == "s3cret"
        clock.now += 41  # two thirds of the token's life are over: the next needs a new log-in
    error = refusal(vault, "vault:kv/data/bot#token")
    assert (error.cause, "refuses the worker's log-in" in error.reason) == (Cause.TEMPORARY, True)
    assert secret_id not in str(error)


def test_kubernetes_logs_in_with_the_token_of_the_service_account(
    make: MakeVault, bao: Bao, token: str, tmp_path: Path, token_review: str
) -> None:
    del token
    if "k8s/" not in bao.http.get("/sys/auth").json():
        bao.write("sys/auth/k8s", {"type": "kubernetes"})
    bao.write(
        "auth/k8s/config",
        {
            "kubernetes_host": token_review,
            "token_reviewer_jwt": "reviewer",
            "disable_local_ca_jwt": True,
            "kubernetes_ca_cert": trustme.CA().cert_pem.bytes().decode(),
        },
    )
    bao.write(
        "auth/k8s/role/worker",
        {
            "bound_service_account_names": "worker",
            "bound_service_account_namespaces": "ops",
            "token_policies": "bots",
        },
    )
    file = tmp_path / "jwt"
    now = int(time.time())
    names = {"namespace": "ops", "serviceaccount": {"name": "worker", "uid": "u1"}}
    parts = (
        {"alg": "RS256", "typ": "JWT"},
        {"kubernetes.io": names, "nbf": now - 60, "exp": now + 600},
    )
    coded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode() for part in parts]
    vault = make(
        vault_kubernetes_role="worker", vault_kubernetes_jwt_file=file, vault_auth_mount="k8s"
    )
    token_text = ".".join(part.rstrip("=") for part in coded)
    file.write_text(f"{token_text}.c2lnbmVk")
    assert refusal(vault, "vault:kv/data/bot#token").cause is Cause.TEMPORARY
    file.write_text(f"{token_text}.good")
    assert read(vault, "vault:kv/data/bot#token") == "s3cret"


def test_token_is_renewed_before_it_ends(
    make: MakeVault, bao: Bao, token: str, clock: HandClock
) -> None:
    del token
    vault = make(bao.token("bots", ttl="600s", renewable=True))
    read(vault, "vault:kv/data/bot#token")
    first = vault._renew_at
    assert first == pytest.approx(clock.now + 400)
    clock.now = first
    read(vault, "vault:kv/data/bot#token")
    assert vault._renew_at == pytest.approx(first + 400)


def test_token_that_has_ended_is_read_again_from_its_file(
    make: MakeVault, bao: Bao, token: str, tmp_path: Path, clock: HandClock
) -> None:
    vault = make(token)
    read(vault, "vault:kv/data/bot#token")
    bao.write("auth/token/revoke", {"token": token})
    clock.now += 60
    error = refusal(vault, "vault:kv/data/bot#token")
    assert (error.cause, "log-in" in error.reason) == (Cause.TEMPORARY, True)
    assert token not in str(error)
    (tmp_path / "token").write_text(bao.token("bots"))
    assert read(vault, "vault:kv/data/bot#token") == "s3cret"


def test_sealed_vault_is_told_and_tried_again(
    make: MakeVault, bao: Bao, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vault_module, "WAITS_SECONDS", (0.01,))
    vault = make(token)
    bao.http.put("/sys/seal")
    error = refusal(vault, "vault:kv/data/bot#token")
    assert (error.cause, "sealed" in error.reason) == (Cause.TEMPORARY, True)


def test_killed_vault_is_waited_for_and_read_once_it_is_back(
    make: MakeVault, bao: Bao, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault = make(ROOT)
    bao.kill()
    text = "vault:auth/token/lookup-self#path"
    error = refusal(vault, text)
    assert (error.cause, "does not answer" in error.reason) == (Cause.TEMPORARY, True)
    with pytest.raises(VaultError):
        vault.check()
    monkeypatch.setattr(vault_module, "WAITS_SECONDS", (0.1,) * 300)
    stopped = StopSignal()
    stopped.request("cancelled")
    reference = parse_reference(text)
    assert reference is not None
    with pytest.raises(VaultError):  # it does not wait for what nobody wants
        vault.read(reference, stopped)
    found: list[str] = []
    thread = threading.Thread(target=lambda: found.append(read(vault, text)))
    thread.start()
    bao.start()
    thread.join()
    assert found == ["auth/token/create"]  # of the root token in this mode


def test_secret_is_in_no_representation(make: MakeVault, token: str) -> None:
    vault = make(token)
    read(vault, "vault:kv/data/bot#token")
    assert "s3cret" not in repr(vault._memory)
    assert token not in repr(vault._ticket)
    assert isinstance(vault._login, TokenLogin)


class _OtherServer(ThreadingHTTPServer):
    seen: list[str]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Take it that a handshake is refused."""


class _OtherVault(BaseHTTPRequestHandler):
    """Answers as Vault would, and sends whoever asks for `kv/elsewhere` somewhere else."""

    server: _OtherServer

    def do_GET(self) -> None:
        self.server.seen.append(self.path)
        body = b'{"data": {"token": "s3cret", "ttl": 0}}'
        moved = self.path == "/v1/kv/elsewhere"
        self.send_response(307 if moved else 200)
        if moved:
            self.send_header("Location", "/v1/kv/stolen")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Say nothing."""


def test_certificate_is_checked_and_no_redirect_followed(
    make: MakeVault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vault_module, "WAITS_SECONDS", ())
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere")
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    seen: list[str] = []
    with _OtherServer(("127.0.0.1", 0), _OtherVault) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        server.seen = seen
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        address = f"https://127.0.0.1:{server.server_port}"
        error = refusal(make("t", vault_addr=address), "vault:kv/x#token")
        assert (error.cause, "not trusted" in error.reason) == (Cause.TEMPORARY, True)
        assert seen == []
        trusting = make("t", vault_addr=address, vault_ca_file=tmp_path / "ca.pem")
        assert read(trusting, "vault:kv/x#token") == "s3cret"
        assert refusal(trusting, "vault:kv/elsewhere#token").cause is Cause.AUTH
        assert "/v1/kv/stolen" not in seen
        server.shutdown()
        thread.join()
