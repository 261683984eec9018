import pytest
from hypothesis import given
from hypothesis import strategies as st

from utils.hosts import BadHost, HostRule, canonical_host, first_bad, joined, read_host


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("example.com", HostRule("example.com")),
        ("API.Example.COM.", HostRule("api.example.com")),
        ("example.com:8443", HostRule("example.com", (8443,))),
        ("*.example.com", HostRule("example.com", (443, 80), subdomains=True)),
        ("*.example.com:22", HostRule("example.com", (22,), subdomains=True)),
        ("bücher.example", HostRule("xn--bcher-kva.example")),
        ("vault", HostRule("vault")),
        ("my_db.internal:5432", HostRule("my_db.internal", (5432,))),
        ("192.0.2.7", HostRule("192.0.2.7")),
        ("192.0.2.7:5432", HostRule("192.0.2.7", (5432,))),
        ("2001:DB8:0::1", HostRule("2001:db8::1")),
        ("[2001:db8::1]", HostRule("2001:db8::1")),
        ("[2001:db8::1]:8443", HostRule("2001:db8::1", (8443,))),
        ("[::ffff:192.0.2.7]:80", HostRule("192.0.2.7", (80,))),
    ],
)
def test_host_is_read_in_every_form(text: str, rule: HostRule) -> None:
    assert read_host(text) == rule


@pytest.mark.parametrize(
    ("text", "reason", "advice"),
    [
        ("https://example.com", "is a URL", "write the host alone"),
        ("example.com/path", "is a URL", "write the host alone"),
        ("user@example.com", "is a URL", "write the host alone"),
        ("*", "'*' stands for subdomains", "*.example.com"),
        ("*example.com", "'*' stands for subdomains", "name each host"),
        ("a.*.example.com", "'*' stands for subdomains", "name each host"),
        ("*.com", "more than one owner's names", "two labels"),
        ("*.192.0.2.7", "more than one owner's names", "two labels"),
        ("", "is no host name", "write a host as"),
        (" example.com", "is no host name", "write a host as"),
        ("exa mple.com", "is no host name", "write a host as"),
        ("example..com", "is no host name", "write a host as"),
        ("-a.example", "is no host name", "write a host as"),
        ("a" * 64 + ".example", "is no host name", "write a host as"),
        ("a." * 127 + "example", "is no host name", "write a host as"),
        ("\u2026.example", "is no host name", "write a host as"),
        ("example.com:0", "'0' is no port", "1 to 65535"),
        ("example.com:65536", "'65536' is no port", "1 to 65535"),
        ("example.com:", "'' is no port", "1 to 65535"),
        ("example.com:https", "'https' is no port", "1 to 65535"),
        ("example.com:٤٤٣", "is no port", "1 to 65535"),
        ("[::1]:x", "'x' is no port", "1 to 65535"),
        ("[::1", "is no host name", "[2001:db8::1]:443"),
        ("[example.com]:443", "is no host name", "write a host as"),
        ("fe80::1%eth0", "is no host name", "write a host as"),
        # What a resolver would take for an address is none that could be compared.
        ("127.1", "is no host name", "in full"),
        ("2130706433", "is no host name", "in full"),
        ("0x7f.0.0.1", "is no host name", "in full"),
        ("127.0.0.0x1", "is no host name", "in full"),
        ("256.1.1.1", "is no host name", "in full"),
    ],
)
def test_what_is_no_host_is_refused_with_the_fix(text: str, reason: str, advice: str) -> None:
    with pytest.raises(BadHost) as caught:
        read_host(text)
    assert reason in caught.value.reason
    assert advice in caught.value.advice


@pytest.mark.parametrize(
    ("declared", "host", "port", "allowed"),
    [
        ("example.com", "example.com", 443, True),
        ("example.com", "example.com", 80, True),
        ("example.com", "example.com", 22, False),
        ("example.com:22", "example.com", 22, True),
        ("example.com:22", "example.com", 443, False),
        ("example.com", "api.example.com", 443, False),
        ("example.com", "badexample.com", 443, False),
        ("*.example.com", "api.example.com", 443, True),
        ("*.example.com", "a.b.example.com", 443, True),
        ("*.example.com", "example.com", 443, False),
        ("*.example.com", "badexample.com", 443, False),
        ("*.example.com", "example.com.evil.test", 443, False),
        ("192.0.2.7", "192.0.2.7", 443, True),
        ("[2001:db8::1]:5432", "2001:db8::1", 5432, True),
    ],
)
def test_declared_host_allows_itself_and_no_other(
    declared: str, host: str, port: int, *, allowed: bool
) -> None:
    assert read_host(declared).allows(host, port) is allowed


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("Example.COM.", "example.com"),
        ("[::0001]", "::1"),
        ("::ffff:127.0.0.1", "127.0.0.1"),
        ("BÜCHER.example", "xn--bcher-kva.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("example.com..", None),
        ("example.com\x00.evil.test", None),
        ("[x]", None),
        (".", None),
    ],
)
def test_host_has_one_form(text: str, canonical: str | None) -> None:
    assert canonical_host(text) == canonical


@given(st.text(max_size=300))
def test_any_text_is_a_host_or_a_clear_refusal(text: str) -> None:
    try:
        rule = read_host(text)
    except BadHost as error:
        assert error.advice  # noqa: PT017 - what is no host has to be told
    else:
        assert canonical_host(rule.name) == rule.name


def test_host_is_written_as_it_would_be_declared() -> None:
    for host, port in (("a.example", 443), ("a.example", 80), ("::1", 443), ("::1", 8443)):
        assert read_host(joined(host, port)).allows(host, port)
    assert joined("a.example", 8443) == "a.example:8443"


def test_first_host_that_is_wrong_is_told_with_its_position() -> None:
    assert first_bad(["a.example", "b.example"]) is None
    found = first_bad(["a.example", "*", "**"])
    assert found is not None
    assert found[0] == 2
