import pytest

from cli.context import client, settings


def test_a_client_goes_where_the_settings_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUELINE_API_URL", "http://127.0.0.1:1234/")
    assert settings().api_url == "http://127.0.0.1:1234"
    with client() as api:
        assert api.url == "http://127.0.0.1:1234"
