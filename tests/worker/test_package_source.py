import pytest

from worker.package_source import extra_index_variable, tool_environ


def test_tools_see_no_secret_and_no_home_of_the_worker() -> None:
    environ = {
        "PATH": "/bin",
        "HOME": "/home/operator",
        "TRUELINE_TOKEN": "secret",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "PYTHONPATH": "/elsewhere",
        "LD_PRELOAD": "/elsewhere/x.so",
        "UV_CACHE_DIR": "/elsewhere/cache",
        "UV_CONFIG_FILE": "/elsewhere/uv.toml",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
    }
    assert tool_environ(environ) == {"PATH": "/bin"}


def test_proxies_certificates_and_indexes_are_passed_on() -> None:
    environ = {
        "https_proxy": "http://proxy:3128",
        "NO_PROXY": "localhost",
        "SSL_CERT_FILE": "/etc/ca.pem",
        "PIP_CERT": "/etc/ca.pem",
        "UV_DEFAULT_INDEX": "https://packages.example/simple",
        "PIP_INDEX_URL": "https://other.example/simple",
        "UV_INDEX_INTERNAL_USERNAME": "operator",
        "UV_INDEX_INTERNAL_PASSWORD": "word",
    }
    assert tool_environ(environ) == environ


@pytest.mark.parametrize(
    ("given", "other"),
    [
        ("PIP_INDEX_URL", "UV_DEFAULT_INDEX"),
        ("PIP_EXTRA_INDEX_URL", "UV_EXTRA_INDEX_URL"),
        ("UV_DEFAULT_INDEX", "PIP_INDEX_URL"),
        ("UV_INDEX_URL", "PIP_INDEX_URL"),
        ("UV_FIND_LINKS", "PIP_FIND_LINKS"),
    ],
)
def test_an_index_that_one_tool_knows_is_told_to_the_other(given: str, other: str) -> None:
    address = "https://packages.example/simple"
    assert tool_environ({given: address}) == {given: address, other: address}


@pytest.mark.parametrize("name", ["PIP_EXTRA_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_INDEX"])
def test_a_second_index_is_noticed(name: str) -> None:
    assert extra_index_variable({name: "https://packages.example/simple"}) == name
    assert extra_index_variable({"UV_DEFAULT_INDEX": "https://packages.example/simple"}) is None
