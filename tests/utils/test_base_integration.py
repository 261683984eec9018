from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import BaseModel, field_validator

from utils.base_integration import BaseIntegration
from utils.config_source import ConfigSource
from utils.errors import (
    AuthoringError,
    IntegrationDisabled,
    IntegrationNotConfigured,
    IntegrationTemporaryError,
)

SECRET = "hunter22"


class GitHubConfig(BaseModel):
    enabled: bool = True
    url: str
    token: str = ""

    @field_validator("url")
    @classmethod
    def check_url(cls, value: str) -> str:
        if not value.startswith("https:"):
            raise ValueError(f"{value} is not https")
        return value


class GitHub(BaseIntegration[GitHubConfig]):
    name = "github"

    def _get_config_model(self) -> type[GitHubConfig]:
        return GitHubConfig

    def _is_config_complete(self, config: GitHubConfig) -> bool:
        return bool(config.token)


class OffByDefault(BaseModel):
    enabled: bool = False
    url: str


class Quiet(BaseIntegration[OffByDefault]):
    name = "quiet"

    def _get_config_model(self) -> type[OffByDefault]:
        return OffByDefault


COMPLETE = {"url": "https://h", "token": SECRET}


def test_a_complete_config_is_returned_as_its_model() -> None:
    github = GitHub(COMPLETE)
    config = github.require_config()
    assert (config.url, config.token) == ("https://h", SECRET)
    assert github.get_config() is config
    assert github.enabled()
    github.require_enabled()


def test_the_logger_has_its_name() -> None:
    assert GitHub(COMPLETE).logger.name == "trueline.integration.github"


@pytest.mark.parametrize("config", [COMPLETE | {"enabled": False}, {"enabled": False}])
def test_what_is_disabled_is_so_also_where_it_is_incomplete(config: dict[str, Any]) -> None:
    github = GitHub(config)
    assert not github.enabled()
    for require in (github.require_enabled, github.require_config):
        with pytest.raises(IntegrationDisabled, match="github is disabled"):
            require()


def test_no_configuration_is_disabled() -> None:
    github = GitHub(lambda: None)
    assert github.get_config() is None
    assert not github.enabled()
    with pytest.raises(IntegrationDisabled):
        github.require_config()


def test_an_incomplete_config_is_not_configured() -> None:
    github = GitHub({"url": "https://h"})
    assert github.enabled()
    with pytest.raises(IntegrationNotConfigured, match="github: its configuration is not complete"):
        github.require_config()


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({"token": SECRET}, "Field required at /url"),
        ({"url": SECRET, "token": SECRET}, "value_error at /url"),
        ({"url": "https://h", "token": [SECRET]}, "Input should be a valid string at /token"),
    ],
)
def test_what_does_not_fit_is_told_by_place_and_never_by_value(
    config: dict[str, Any], told: str
) -> None:
    github = GitHub(config)
    assert github.get_config() is None
    assert github.enabled()
    with pytest.raises(IntegrationNotConfigured) as raised:
        github.require_config()
    assert told in raised.value.reason
    assert SECRET not in str(raised.value)
    assert raised.value.__context__ is None


def test_a_model_may_be_off_until_it_is_switched_on() -> None:
    assert not Quiet({}).enabled()
    assert not Quiet({"url": "x"}).enabled()
    assert Quiet({"enabled": True}).enabled()


def test_an_invalidation_reaches_every_live_instance() -> None:
    values: dict[str, Any] = dict(COMPLETE)
    source = ConfigSource(lambda: dict(values))
    first, second = GitHub(source), GitHub(source)
    assert first.enabled() is second.enabled() is True
    values["enabled"] = False
    assert second.enabled()
    first.invalidate_config()
    assert first.enabled() is second.enabled() is False


def test_a_source_that_is_down_is_an_error_and_never_disabled() -> None:
    def read() -> Mapping[str, Any]:
        raise ConnectionError

    github = GitHub(read)
    for call in (github.enabled, github.get_config, github.require_enabled, github.require_config):
        with pytest.raises(IntegrationTemporaryError):
            call()


def test_a_class_without_name_or_model_is_told() -> None:
    class Nameless(BaseIntegration[GitHubConfig]):
        pass

    class Modelless(BaseIntegration[GitHubConfig]):
        name = "x"

    with pytest.raises(AuthoringError, match="Nameless has no name"):
        Nameless({})
    with pytest.raises(AuthoringError, match="_get_config_model"):
        Modelless({}).enabled()
