"""Where the API is reached, by whom, and whom it tells."""

from pathlib import Path

from pydantic import Field

from utils.settings_group import SettingsGroup, word_in


class ServingSettings(SettingsGroup):
    """Where the API is reached, by whom, and whom it tells."""

    api_host: str = Field("127.0.0.1", description="where the API listens")
    api_port: int = Field(
        8340, ge=0, le=65535, description="where the API listens; 0: any free port"
    )
    api_processes: int = Field(
        1, ge=1, le=64, description="processes that serve requests side by side"
    )
    api_url: str = Field(
        "http://127.0.0.1:8340", description="where workers and the command find the API"
    )
    api_hosts: str = Field(
        "", description="names and addresses, separated by commas, by which the API is reached"
    )
    trusted_proxies: int = Field(
        0, ge=0, le=10, description="proxies before the API whose X-Forwarded-* it believes"
    )
    token: str = Field("", repr=False, description="bearer token of workers and the command")
    token_file: Path | None = Field(
        None, description="file with that token; TRUELINE_TOKEN goes before it"
    )
    signing_key_file: Path | None = Field(
        None, description="key for tokens; none: loopback only, no token"
    )
    public_url: str = Field(
        "", description="where people reach the API; links in what is sent out begin with it"
    )
    webhook_secret_file: Path | None = Field(
        None, description="secrets of webhooks that forges send, one a line; none: not taken in"
    )
    notify_private: str = Field(
        "",
        description="private addresses that webhooks may be sent to, separated by commas",
    )
    session_hours: float = Field(
        12, gt=0, le=720, description="how long a log-in at the web page holds"
    )
    oidc_issuer: str = Field(
        "", description="OpenID provider at which people log in; empty: with a token alone"
    )
    oidc_client_id: str = Field("", description="name of this API at the OpenID provider")
    oidc_client_secret_file: Path | None = Field(
        None, description="file with the client secret; none: a public client"
    )
    oidc_name_claim: str = Field(
        "email", description="claim that names a person; one that people cannot choose themselves"
    )
    oidc_role_claim: str = Field(
        "groups", description="claim that holds a person's groups or roles"
    )
    oidc_roles: str = Field(
        "", description="which of them is which role: `sre=operator,security=admin`"
    )

    @property
    def bearer_token(self) -> str:
        """The token that the worker and the command send; empty: none."""
        if self.token or self.token_file is None:
            return self.token
        wanted = "token", "what `trueline token create NAME --role ROLE` prints"
        return word_in(self.token_file, "TRUELINE_TOKEN_FILE", *wanted)

    @property
    def api_names(self) -> frozenset[str]:
        """The names and addresses by which the API is reached, besides loopback's."""
        names = (name.strip().strip("[]").lower() for name in self.api_hosts.split(","))
        return frozenset(name for name in names if name)
