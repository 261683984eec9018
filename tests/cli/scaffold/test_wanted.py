import pytest

from cli.scaffold.wanted import CannotMake, Wanted, check_name, checked_base_url, checked_line
from utils.config_schema import check_schema, secret_pointers


@pytest.mark.parametrize("name", ["", "Dns", "1a", "a-b", "../x", "a" * 65, "class", "import"])
def test_names_that_no_integration_could_have(name: str) -> None:
    with pytest.raises(CannotMake):
        check_name(name)


@pytest.mark.parametrize(
    ("given", "kept", "host"),
    [
        ("https://api.example.com/", "https://api.example.com", "api.example.com"),
        (" http://h.example:8080/api/v1 ", "http://h.example:8080/api/v1", "h.example:8080"),
        ("https://[2001:db8::1]:8443", "https://[2001:db8::1]:8443", "[2001:db8::1]:8443"),
    ],
)
def test_base_urls_and_their_hosts(given: str, kept: str, host: str) -> None:
    assert checked_base_url(given) == kept
    assert Wanted("a", "A", "a", kept, secret=False).host == host


@pytest.mark.parametrize(
    "url",
    [
        "api.example.com",
        "ftp://x.example",
        "https://",
        "https://ada:pw@x.example",
        "https://x.example/?a=1",
        "https://x.example/#a",
        "https://x.example:99999",
        'https://x.example/"',
        "https://x.example/a b",
        "https://ü.example",
        "https://x.example/\x00",
    ],
)
def test_base_urls_that_are_none(url: str) -> None:
    with pytest.raises(CannotMake):
        checked_base_url(url)


@pytest.mark.parametrize("text", ["", "  ", "a\x00", "x" * 201, "a\x1b[2J"])
def test_lines_that_nobody_could_read(text: str) -> None:
    with pytest.raises(CannotMake, match="title"):
        checked_line("title", text, 200)


@pytest.mark.parametrize("secret", [True, False])
def test_the_token_is_a_secret_of_the_schema(secret: bool) -> None:  # noqa: FBT001 - a case
    schema = Wanted("a", "A", "a", "https://x.example", secret=secret).entry()["schema"]
    check_schema(schema)
    assert secret_pointers(schema, {"token": "x"}) == (("/token",) if secret else ())
