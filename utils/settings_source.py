"""Where the integrations come from."""

from pathlib import Path

from pydantic import Field

from utils.settings_group import SettingsGroup


class SourceSettings(SettingsGroup):
    """Where the integrations come from."""

    source_url: str = Field("", description="the Git source; empty: the checkout it runs from")
    source_ref: str = Field(
        "HEAD", description="branch, tag or commit of the source; HEAD: its default branch"
    )
    source_token_file: Path | None = Field(
        None, description="file with the token of a private https source"
    )
    source_ssh_key_file: Path | None = Field(None, description="private key of an ssh source")
    source_known_hosts_file: Path | None = Field(
        None, description="pinned host keys of an ssh source"
    )
    source_timeout_seconds: float = Field(120, gt=0, description="deadline of one git command")
    source_limit_mb: int = Field(
        1024,
        ge=1,
        description="size of all files of one commit, in MiB; a fetch that brings more is ended",
    )
    sync_seconds: float = Field(300, gt=0, description="how often the source is looked at")
