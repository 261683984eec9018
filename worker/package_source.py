"""Where packages come from: the operator's index variables, in the words of uv and of pip."""

from collections.abc import Mapping
from types import MappingProxyType

_PASSED = frozenset(
    {
        "PATH",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "NO_PROXY",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "REQUESTS_CA_BUNDLE",
        "PIP_CERT",
        "UV_DEFAULT_INDEX",
        "UV_INDEX",
        "UV_INDEX_URL",
        "UV_EXTRA_INDEX_URL",
        "UV_FIND_LINKS",
        "UV_OFFLINE",
        "UV_INSECURE_HOST",
        "UV_SYSTEM_CERTS",
        "UV_NATIVE_TLS",
        "UV_HTTP_RETRIES",
        "UV_HTTP_TIMEOUT",
        "PIP_INDEX_URL",
        "PIP_EXTRA_INDEX_URL",
        "PIP_FIND_LINKS",
        "PIP_NO_INDEX",
        "PIP_TRUSTED_HOST",
        "PIP_DEFAULT_TIMEOUT",
        "PIP_RETRIES",
        "PIP_PROXY",
    }
)
_UV_INDEXES = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INDEX", "UV_EXTRA_INDEX_URL")


def tool_environ(environ: Mapping[str, str]) -> Mapping[str, str]:
    """Return what uv and pip may see of the worker's variables: never `TRUELINE_*`, never HOME.

    An index that is only set for one of the two is set for the other as well.
    """
    kept = {
        name: value
        for name, value in environ.items()
        if value and (name.upper() in _PASSED or _is_index_credential(name))
    }
    if not any(name in kept for name in _UV_INDEXES):
        _copy(kept, "PIP_INDEX_URL", "UV_DEFAULT_INDEX")
        _copy(kept, "PIP_EXTRA_INDEX_URL", "UV_EXTRA_INDEX_URL")
    if "PIP_INDEX_URL" not in kept:
        _copy(kept, "UV_INDEX_URL", "PIP_INDEX_URL")
        _copy(kept, "UV_DEFAULT_INDEX", "PIP_INDEX_URL")
    if "PIP_FIND_LINKS" not in kept and "UV_FIND_LINKS" in kept:
        kept["PIP_FIND_LINKS"] = kept["UV_FIND_LINKS"].replace(",", " ")
    return MappingProxyType(kept)


def extra_index_variable(environ: Mapping[str, str]) -> str | None:
    """Name the variable that gives a second index, of which pip takes whatever is newest."""
    given = (name for name in ("PIP_EXTRA_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_INDEX"))
    return next((name for name in given if environ.get(name)), None)


def _is_index_credential(name: str) -> bool:
    return name.startswith("UV_INDEX_") and name.endswith(("_USERNAME", "_PASSWORD"))


def _copy(values: dict[str, str], source: str, target: str) -> None:
    if source in values:
        values[target] = values[source]
