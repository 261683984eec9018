"""StageOne: it notes the time, and a config that cannot be used stops the job there."""

from datetime import datetime

import pytest

from integrations.github.entry import Runner
from utils.errors import IntegrationNotConfigured


def test_it_says_what_is_audited_and_notes_the_time() -> None:
    stage = Runner.StageOne({"token": "t", "organisation": "acme"})
    assert isinstance(stage.start()["now"], datetime)
    assert stage.lines.kept() == ("auditing acme at https://api.github.com",)


def test_a_config_without_a_token_stops_the_job() -> None:
    with pytest.raises(IntegrationNotConfigured, match="no token"):
        Runner.StageOne({"organisation": "acme"}).start()
