"""Where the command issues tokens: in the database beside the key, or at the API as an admin."""

import os
import pwd
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

from sqlalchemy import Connection, select

from api.audit import Entry, record
from api.database import Database
from api.issued_tokens import (
    IssuedToken,
    Wanted,
    issue_token,
    revoke_token,
    token_from_row,
)
from api.json_format import iso
from api.migrate import migrate
from api.principal import Principal, Role
from api.sessions import close_sessions_of
from api.signing_key import read_signing_keys
from api.token_table import tokens
from cli.client import Client, address_part
from utils.files import make_data_directory, private_files
from utils.settings import Settings

MOST_LISTED = 10_000


class Tokens(Protocol):
    """What can be done with tokens, as rows in the API's own shape."""

    def create(self, name: str, role: str, days: int) -> dict[str, Any]:
        """Issue a token; the answer's `token` is shown this once."""

    def read(self) -> list[dict[str, Any]]:
        """List tokens, newest first."""

    def revoke(self, token_id: str) -> dict[str, Any]:
        """Take a token back."""

    def log_out(self, name: str) -> dict[str, Any]:
        """End every session of somebody."""


class LocalTokens:
    """Works on the database itself: for the first token, and where no API runs."""

    def __init__(self, database: Database, key_file: Path) -> None:
        self._database = database
        self._keys = read_signing_keys(key_file)
        self._by = Principal(_user(), Role.ADMIN)

    def create(self, name: str, role: str, days: int) -> dict[str, Any]:
        """Issue a token."""
        now = datetime.now(UTC)
        wanted = Wanted(name, Role(role), timedelta(days=days), self._by.name)
        with self._database.write() as connection:
            token, text = issue_token(connection, self._keys, wanted, now)
            self._note(connection, "tokens.create", token.id)
        return _shown(token) | {"token": text}

    def read(self) -> list[dict[str, Any]]:
        """List tokens, newest first."""
        newest = select(tokens).order_by(tokens.c.created_at.desc(), tokens.c.id.desc())
        with self._database.read() as connection:
            rows = connection.execute(newest.limit(MOST_LISTED))
            return [_shown(token_from_row(row)) for row in rows]

    def revoke(self, token_id: str) -> dict[str, Any]:
        """Take a token back."""
        with self._database.write() as connection:
            token = revoke_token(connection, token_id, datetime.now(UTC))
            self._note(connection, "tokens.revoke", token.id)
        return _shown(token)

    def log_out(self, name: str) -> dict[str, Any]:
        """End every session of somebody."""
        with self._database.write() as connection:
            closed = close_sessions_of(connection, name)
            self._note(connection, "sessions.close", name)
        return {"closed": closed}

    def _note(self, connection: Connection, action: str, object_id: str) -> None:
        kind = action.partition(".")[0].removesuffix("s")
        what = (action, "command", "trueline token", uuid4().hex, kind, object_id)
        record(connection, Entry(datetime.now(UTC), *what).by(self._by, changed=True))


class RemoteTokens:
    """Asks the API; takes an admin's token."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def create(self, name: str, role: str, days: int) -> dict[str, Any]:
        """Issue a token."""
        body = {"name": name, "role": role, "days": days}
        issued: dict[str, Any] = self._client.post("/tokens", body)
        return issued

    def read(self) -> list[dict[str, Any]]:
        """List tokens, newest first."""
        return self._client.items("/tokens", MOST_LISTED)

    def revoke(self, token_id: str) -> dict[str, Any]:
        """Take a token back."""
        revoked: dict[str, Any] = self._client.send("DELETE", f"/tokens/{address_part(token_id)}")
        return revoked

    def log_out(self, name: str) -> dict[str, Any]:
        """End every session of somebody."""
        closed: dict[str, Any] = self._client.send("DELETE", f"/sessions/{address_part(name)}")
        return closed


@contextmanager
def open_tokens(settings: Settings) -> Iterator[Tokens]:
    """Open the database where the key file is at hand, else a client of the API."""
    if settings.signing_key_file is None:
        with Client(settings.api_url, settings.bearer_token) as client:
            yield RemoteTokens(client)
        return
    with private_files():
        make_data_directory(settings.data_dir)
        database = Database(settings.database)
        try:
            migrate(database)
            yield LocalTokens(database, settings.signing_key_file)
        finally:
            database.close()


def _shown(token: IssuedToken) -> dict[str, Any]:
    return {
        name: iso(value) if isinstance(value, datetime) else value
        for name, value in asdict(token).items()
    }


def _user() -> str:
    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container's user may have none
        name = str(os.getuid())
    return f"{name}@{socket.gethostname()}"
