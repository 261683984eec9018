from pathlib import Path
from typing import Any

import pytest

from api.oidc_registration import registration_of
from utils.errors import SettingsError
from utils.settings import Settings

pytestmark = pytest.mark.one_database


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"oidc_issuer": "http://id.example"}, "not an https address"),
        ({"oidc_issuer": "id.example"}, "not an https address"),
        ({"oidc_client_id": ""}, "needs TRUELINE_OIDC_CLIENT_ID"),
        ({"signing_key_file": None}, "needs TRUELINE_SIGNING_KEY_FILE"),
        ({"oidc_roles": "sre"}, "TRUELINE_OIDC_ROLES"),
    ],
)
def test_settings_that_do_not_fit_are_refused(
    settings: Settings, key_file: Path, change: dict[str, Any], said: str
) -> None:
    good: dict[str, Any] = {"oidc_issuer": "https://id.example", "oidc_client_id": "x"}
    good |= {"signing_key_file": key_file}
    assert registration_of(settings) is None
    assert registration_of(settings.model_copy(update=good))
    with pytest.raises(SettingsError, match=said):
        registration_of(settings.model_copy(update=good | change))
