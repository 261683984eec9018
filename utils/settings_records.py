"""Where records and files are kept, and for how long."""

from pathlib import Path

from pydantic import Field

from utils.errors import SettingsError
from utils.settings_group import SettingsGroup, word_in


class RecordSettings(SettingsGroup):
    """Where records and files are kept, and for how long."""

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

    @property
    def database(self) -> str:
        """The SQLAlchemy URL in use; a file that holds it is read at each look."""
        if self.database_url_file is not None:
            if self.database_url:
                raise SettingsError(
                    "settings TRUELINE_DATABASE_URL and TRUELINE_DATABASE_URL_FILE are both set",
                    "unset one of them",
                )
            wanted = "URL", "postgresql://user:password@host/name"
            return word_in(self.database_url_file, "TRUELINE_DATABASE_URL_FILE", *wanted)
        return self.database_url or f"sqlite:///{self.data_dir / 'trueline.db'}"
