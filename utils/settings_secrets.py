"""What seals the stored secrets, and where referenced ones come from."""

from pathlib import Path

from pydantic import Field

from utils.settings_group import SettingsGroup


class SecretSettings(SettingsGroup):
    """What seals the stored secrets, and where referenced ones come from."""

    secret_key: str = Field(
        "",
        repr=False,
        description="keys of the stored secrets, the newest first, separated by commas",
    )
    secret_key_file: Path | None = Field(
        None, description="file of these keys; none: `secret.key` in the data directory"
    )
    references_file: Path | None = Field(
        None,
        description="which references to secrets each integration may use; none: not any",
    )
    vault_addr: str = Field("", description="where workers find Vault or OpenBao; empty: nowhere")
    vault_namespace: str = Field("", description="namespace in Vault")
    vault_ca_file: Path | None = Field(
        None,
        description="authorities that Vault's certificate is checked by; none: the public ones",
    )
    vault_token_file: Path | None = Field(None, description="file with a token for Vault")
    vault_role_id: str = Field("", description="role id of an AppRole in Vault")
    vault_secret_id_file: Path | None = Field(
        None, description="file with the secret id of that AppRole"
    )
    vault_kubernetes_role: str = Field("", description="role for Vault's Kubernetes log-in")
    vault_kubernetes_jwt_file: Path | None = Field(
        None, description="service account's token for it; none: where Kubernetes mounts it"
    )
    vault_auth_mount: str = Field(
        "", description="where that way to log in is mounted; empty: `approle` or `kubernetes`"
    )
    vault_timeout_seconds: float = Field(
        5, gt=0, le=60, description="deadline of one request to Vault"
    )
