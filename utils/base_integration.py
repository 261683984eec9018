"""`BaseIntegration`: a client class with a configuration that is checked before it is used."""

import logging
from collections.abc import Mapping
from typing import Any, Generic, NamedTuple, Protocol, Self, TypeVar

from utils.concealed import one_line
from utils.config_source import ConfigSource, ReadConfig
from utils.errors import AuthoringError
from utils.integration_errors import IntegrationDisabled, IntegrationNotConfigured
from utils.task_logger import TaskLogger

SHOWN_FAULTS = 5


class ConfigModel(Protocol):
    """A pydantic model, as far as it is needed here."""

    @classmethod
    def model_validate(cls, obj: Any, /) -> Self:
        """Return the model of some values."""


Config = TypeVar("Config", bound=ConfigModel)


class _Checked(NamedTuple, Generic[Config]):
    number: int  # of the reading
    config: Config | None
    is_enabled: bool
    missing: str  # what is wrong with it


class BaseIntegration(Generic[Config]):
    """The base of a class that talks to another system.

    It gets the deployment's config, a function that reads one, or a ConfigSource that several
    share. A field `enabled` of the model switches it off.

    >>> class GitHub(BaseIntegration[GitHubConfig]):
    ...     name = "github"
    ...     def _get_config_model(self):
    ...         return GitHubConfig
    ...     def _is_config_complete(self, config):
    ...         return bool(config.token)
    """

    name: str = ""

    def __init__(self, config: Mapping[str, Any] | ReadConfig | ConfigSource) -> None:
        if not self.name:
            raise AuthoringError(
                f"{type(self).__name__} has no name", 'write name = "..." in the class'
            )
        self._source = _source_of(config)
        self._checked: _Checked[Config] | None = None
        self._logger = TaskLogger(f"trueline.integration.{self.name}")

    @property
    def logger(self) -> logging.Logger:
        """The logger `trueline.integration.<name>`; a task's lines are in that task's logs."""
        return self._logger

    def get_config(self) -> Config | None:
        """Return the configuration; None where there is none, or one that does not fit its model.

        Raises IntegrationTemporaryError when its source cannot be read.
        """
        return self._look().config

    def enabled(self) -> bool:
        """Tell whether it is switched on; False where there is no configuration."""
        return self._look().is_enabled

    def require_enabled(self) -> None:
        """Raise IntegrationDisabled unless it is switched on."""
        self._require_enabled(self._look())

    def require_config(self) -> Config:
        """Return a configuration that is enabled and complete; raises an error of the tree."""
        checked = self._look()
        self._require_enabled(checked)
        if checked.config is None:
            raise IntegrationNotConfigured(f"{self.name}: {checked.missing}")
        if not self._is_config_complete(checked.config):
            raise IntegrationNotConfigured(f"{self.name}: its configuration is not complete")
        return checked.config

    def invalidate_config(self) -> None:
        """Read the configuration anew at its next use, in all instances that share its source."""
        self._source.invalidate()

    def _get_config_model(self) -> type[Config]:
        """Return the pydantic model of the configuration."""
        raise AuthoringError(
            f"{type(self).__name__} does not say which model its configuration has",
            "write a method _get_config_model that returns a pydantic model",
        )

    def _is_config_complete(self, config: Config) -> bool:  # noqa: ARG002 - for subclasses
        """Tell whether all is there that a call needs; what the model demands is."""
        return True

    def _require_enabled(self, checked: "_Checked[Config]") -> None:
        if not checked.is_enabled:
            raise IntegrationDisabled(f"{self.name} is disabled")

    def _look(self) -> "_Checked[Config]":
        reading = self._source.reading()
        if self._checked is None or self._checked.number != reading.number:
            self._checked = self._check(reading.number, reading.values)
        return self._checked

    def _check(self, number: int, values: Mapping[str, Any] | None) -> "_Checked[Config]":
        if values is None:
            return _Checked(number, None, is_enabled=False, missing="it has no configuration")
        model = self._get_config_model()
        try:
            config = model.model_validate(dict(values))
        except ValueError as error:  # pydantic's own is one; its text quotes the values
            is_enabled = bool(values.get("enabled", _usually_enabled(model)))
            return _Checked(number, None, is_enabled, _faults_of(error))
        return _Checked(number, config, bool(getattr(config, "enabled", True)), missing="")


def _source_of(config: Mapping[str, Any] | ReadConfig | ConfigSource) -> ConfigSource:
    if isinstance(config, ConfigSource):
        return config
    if isinstance(config, Mapping):
        values = config
        return ConfigSource(lambda: values)
    return ConfigSource(config)


def _usually_enabled(model: Any) -> bool:
    field = getattr(model, "model_fields", {}).get("enabled")
    return field is None or field.default is True


def _faults_of(error: ValueError) -> str:
    """Say where a configuration does not fit, without any value of it."""
    tell = getattr(error, "errors", None)
    if tell is None:
        return f"its configuration does not fit its model ({type(error).__name__})"
    faults = tell(include_url=False, include_context=False, include_input=False)
    told = [f"{_kind_of(one)} at /{'/'.join(map(str, one['loc']))}" for one in faults]
    more = f" and {len(told) - SHOWN_FAULTS} more" if len(told) > SHOWN_FAULTS else ""
    return one_line("; ".join(told[:SHOWN_FAULTS]) + more, 800)


def _kind_of(fault: Mapping[str, Any]) -> str:
    # A validator's own message may quote what it was given.
    return str(
        fault["type"] if fault["type"] in {"value_error", "assertion_error"} else fault["msg"]
    )
