import pytest

from utils.addresses import without_logins


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("at 'https://ada:pw@host:8443/r', no", "at 'https://host:8443/r', no"),
        ("ssh://git@host/r and http://t0ken@host/", "ssh://host/r and http://host/"),
        ("https://ada:p@ss@host/r", "https://host/r"),
        ("https://host/r?mail=ada@example.com", "https://host/r?mail=ada@example.com"),
        ("https://host?mail=ada@example.com", "https://host?mail=ada@example.com"),
        ("ada@example.com", "ada@example.com"),
    ],
)
def test_an_address_is_shown_without_what_opens_it(text: str, shown: str) -> None:
    assert without_logins(text) == shown
