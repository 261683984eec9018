"""Every setting, read once at the start of a process: flags, `TRUELINE_*` variables, a file."""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from utils.errors import SettingsError
from utils.settings_layers import (
    FILE,
    PREFIX,
    SEE_TABLE,
    Given,
    read_file,
    read_flags,
    read_variables,
    variable_of,
)

__all__ = ["PREFIX", "Settings", "SettingsInForce", "read_settings", "settings_in_force"]

MASK = "********"
_PASSWORD = re.compile(r"(://[^:/@\s]*:)[^/\s]*@")


class Settings(BaseModel):
    """One process's settings; each field is the variable `TRUELINE_<FIELD>` in capitals."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    config_file: Path | None = Field(
        None, description="TOML file with settings; flags and variables go before it"
    )
    data_dir: Path = Field(
        Path(".trueline"), description="mirrors, snapshots, environments, outbox, SQLite file"
    )
    database_url: str = Field(
        "",
        repr=False,
        description="SQLAlchemy URL of the API's database; empty: SQLite in the data directory",
    )
    database_url_file: Path | None = Field(
        None, description="file with that URL, so that its password is in no variable"
    )
    keep_jobs_days: float = Field(
        90, ge=0, le=36_500, description="how long an ended job is kept; 0: forever"
    )
    keep_events_days: float = Field(
        30, ge=0, le=36_500, description="how long the events of an ended job are kept; 0: forever"
    )
    keep_data_days: float = Field(
        30, ge=0, le=36_500, description="how long large data of tasks is kept; 0: forever"
    )
    keep_violations_days: float = Field(
        365, ge=0, le=36_500, description="how long a resolved violation is kept; 0: forever"
    )
    keep_audit_days: float = Field(
        365, ge=0, le=36_500, description="how long an entry of the audit log is kept; 0: forever"
    )
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
    concurrency: int = Field(
        default_factory=lambda: 2 * (os.cpu_count() or 1),
        ge=1,
        description="jobs at once on a worker",
    )
    task_timeout_seconds: float = Field(180, gt=0, description="deadline of one task")
    job_timeout_seconds: float = Field(3600, gt=0, description="deadline of one job")
    lease_seconds: float = Field(30, gt=0, description="how long a silent worker keeps a job")
    drain_seconds: float = Field(
        25, ge=0, description="how long a worker lets jobs finish after SIGTERM"
    )
    isolation: Literal["", "process", "sandbox"] = Field(
        "", description="`process` or `sandbox`; empty: the best that works here"
    )
    loopback: Literal["", "closed", "open"] = Field(
        "",
        description="`closed` or `open`: this machine, to jobs; empty: closed where it works",
    )
    loopback_ports: str = Field(
        "", description="ports of this machine, separated by commas, that jobs may reach"
    )
    readable_paths: str = Field(
        "", description="absolute paths, separated by colons, that jobs in a sandbox may read too"
    )
    egress: Literal["open", "declared"] = Field(
        "open",
        description="`declared`: jobs reach only the hosts that their integration declares",
    )
    egress_private: str = Field(
        "",
        description="private addresses that declared hosts may lead to, separated by commas",
    )
    redis_url_file: Path | None = Field(
        None,
        description="file with the URL of a Redis that the jobs of all workers share",
    )
    memory_limit_mb: int = Field(
        2048,
        ge=64,
        description="memory of a job, and address space of each of its processes, in MiB",
    )
    cpu_limit_seconds: int = Field(3600, ge=1, description="computing time of one process of a job")
    process_limit: int = Field(
        512, ge=8, description="processes and threads of a job, in a sandbox"
    )
    open_files_limit: int = Field(4096, ge=64, description="open files of one process of a job")
    disk_limit_mb: int = Field(2048, ge=1, description="files that a job keeps, in MiB")
    warm_processes: int = Field(
        16,
        ge=0,
        description="integrations that are kept imported, so that their jobs only fork; 0: none",
    )
    warm_memory_mb: int = Field(
        1024, ge=1, description="memory of all processes that are kept imported, in MiB"
    )
    result_limit_bytes: int = Field(
        16 * 1024 * 1024, ge=1024, le=2**31, description="size of one task's result as JSON"
    )
    log_limit_bytes: int = Field(
        256 * 1024, ge=1024, description="output kept of one job, per stream"
    )
    source_builds: str = Field(
        "", description="integrations, separated by commas, whose requirements may run build code"
    )
    build_timeout_seconds: float = Field(
        600, gt=0, description="deadline of one environment's build"
    )
    access_log: Literal["", "on", "off"] = Field(
        "", description="`on` or `off`: a log line for each request; empty: on where logs are JSON"
    )
    worker_metrics_port: int = Field(
        0, ge=0, le=65535, description="port of loopback with a worker's metrics; 0: none"
    )
    log_format: Literal["", "json", "text"] = Field(
        "", description="log lines; empty: text on a terminal, else JSON"
    )

    @property
    def database(self) -> str:
        """The SQLAlchemy URL in use; a file that holds it is read at each look."""
        if self.database_url_file is not None:
            return _url_in(self.database_url_file, self.database_url)
        return self.database_url or f"sqlite:///{self.data_dir / 'trueline.db'}"

    @property
    def api_names(self) -> frozenset[str]:
        """The names and addresses by which the API is reached, besides loopback's."""
        names = (name.strip().strip("[]").lower() for name in self.api_hosts.split(","))
        return frozenset(name for name in names if name)

    @property
    def logs_requests(self) -> bool:
        """Whether each request gets a log line; `log_format` says here what is in use."""
        return self.access_log == "on" or (self.access_log == "" and self.log_format == "json")

    @property
    def source_builds_allowed(self) -> frozenset[str]:
        """The names of the integrations whose requirements may run build code."""
        return frozenset(name.strip() for name in self.source_builds.split(",") if name.strip())


def flag_names() -> tuple[str, ...]:
    """Return the settings that may be flags: arguments can be read by all, secrets are none."""
    return tuple(name for name, field in Settings.model_fields.items() if field.repr)


@dataclass(frozen=True)
class SettingsInForce:
    """The settings, and of those that somebody gave where that stands."""

    settings: Settings
    places: Mapping[str, str]


def read_settings(environ: Mapping[str, str], cwd: Path, arguments: Sequence[str] = ()) -> Settings:
    """Read the settings; relative paths and the default source are resolved against `cwd`.

    `arguments` are flags: they go before variables, and these before the file. Raises
    SettingsError that names the flag, variable or line, with a did-you-mean for an unknown one.
    """
    return settings_in_force(environ, cwd, arguments).settings


def settings_in_force(
    environ: Mapping[str, str], cwd: Path, arguments: Sequence[str] = ()
) -> SettingsInForce:
    """Read the settings with where each comes from; raises as `read_settings` does."""
    names = tuple(Settings.model_fields)
    nearer = read_variables(environ, names) | read_flags(arguments, flag_names())
    farther = read_file(cwd / nearer[FILE].value, names) if FILE in nearer else {}
    given = farther | nearer
    try:
        settings = Settings.model_validate({name: one.value for name, one in given.items()})
    except ValidationError as error:
        raise _unusable(error, given) from error
    # Secret files keep their links: what a link leads to changes when a secret is renewed.
    paths = {name: (cwd / value).absolute() for name, value in settings if isinstance(value, Path)}
    resolved = settings.model_copy(
        update={
            **paths,
            "data_dir": paths["data_dir"].resolve(),
            "source_url": settings.source_url or _checkout_url(cwd),
            "api_url": _checked_api_url(settings.api_url, given.get("api_url")),
        }
    )
    return SettingsInForce(resolved, {name: one.place for name, one in given.items()})


def _url_in(file: Path, other: str) -> str:
    if other:
        raise SettingsError(
            "settings TRUELINE_DATABASE_URL and TRUELINE_DATABASE_URL_FILE are both set",
            "unset one of them",
        )
    try:
        text = file.read_text("utf-8").strip()
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"setting TRUELINE_DATABASE_URL_FILE: {file} cannot be read",
            "give this user the right to read it, or correct the path",
        ) from error
    if not text or len(text.split()) != 1:
        raise SettingsError(
            f"setting TRUELINE_DATABASE_URL_FILE: {file} does not hold one URL",
            "write postgresql://user:password@host/name into it, on one line",
        )
    return text


def as_variables(arguments: Sequence[str]) -> dict[str, str]:
    """Return flags as the variables that do the same, for processes that are started."""
    given = read_flags(arguments, flag_names())
    return {variable_of(name): one.value for name, one in given.items()}


def shown_values(settings: Settings) -> dict[str, object]:
    """Return what may be shown of the settings: secrets and passwords in addresses are masked."""
    shown = {}
    for name, field in Settings.model_fields.items():
        value = getattr(settings, name)
        if isinstance(value, str | Path):
            value = _PASSWORD.sub(rf"\1{MASK}@", str(value)) if field.repr else value and MASK
        shown[name] = value
    return shown


def _unusable(error: ValidationError, given: Mapping[str, Given]) -> SettingsError:
    first = error.errors(include_url=False)[0]
    message = first["msg"][:1].lower() + first["msg"][1:]
    name = str(first["loc"][0]) if first["loc"] else ""
    wrong = given.get(name)
    if wrong is None:  # what is wrong is how several of them go together
        return SettingsError(f"settings cannot be used: {message}", SEE_TABLE)
    shown = repr(first["input"]) if name in flag_names() else "what is given"
    return SettingsError(f"setting {wrong.place}: {shown} cannot be used: {message}", wrong.advice)


def _checkout_url(cwd: Path) -> str:
    for folder in (cwd, *cwd.parents):
        if (folder / ".git").exists():
            return folder.resolve().as_uri()
    return ""


def _checked_api_url(url: str, given: Given | None) -> str:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:  # the port is none
        usable = False
    if not usable:
        raise SettingsError(
            f"setting {given.place if given else 'api_url'}: {url!r} is not an http address",
            "give it as http://127.0.0.1:8340",
        )
    return url.rstrip("/")
