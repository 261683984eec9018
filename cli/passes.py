"""The tokens of `trueline up`: one for its worker, one for itself; they end with it."""

import contextlib
from pathlib import Path

from utils.errors import TruelineError
from utils.files import write_durably
from utils.settings import Settings

IDS_FILE = "up.tokens"
DAYS = 366
NAMES = {"worker": "up.worker", "operator": "up.command"}


class Passes:
    """Nothing at all while no signing key is set.

    The ids stand in a file, so that the next start takes back what a killed one has left.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.worker = ""
        self.command = ""

    def issue(self) -> None:
        """Make the tokens; the API has brought the database up to date by now."""
        if self._settings.signing_key_file is None:
            return
        from cli.tokens import open_tokens  # noqa: PLC0415 - the database takes long to import

        self.withdraw()
        with open_tokens(self._settings) as tokens:
            issued = {role: tokens.create(name, role, DAYS) for role, name in NAMES.items()}
        ids = "".join(f"{one['id']}\n" for one in issued.values())
        write_durably(self._file, ids.encode())
        self.worker = issued["worker"]["token"]
        self.command = issued["operator"]["token"]

    def withdraw(self) -> None:
        """Revoke what this start or one before it has issued."""
        if self._settings.signing_key_file is None or not self._file.exists():
            return
        from cli.tokens import open_tokens  # noqa: PLC0415 - the database takes long to import

        with open_tokens(self._settings) as tokens:
            for token_id in self._file.read_text("utf-8").split():
                with contextlib.suppress(TruelineError):  # another database has no such token
                    tokens.revoke(token_id)
        self._file.unlink()

    @property
    def _file(self) -> Path:
        return self._settings.data_dir / IDS_FILE
