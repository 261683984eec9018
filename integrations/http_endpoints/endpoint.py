"""Which URLs are watched and what is expected of each: the config, read once and checked."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NoReturn
from urllib.parse import SplitResult, urlsplit

from utils.errors import IntegrationNotConfigured

PORTS = {"https": 443, "http": 80}


class PlainHttp(StrEnum):
    """What is expected of a host over plain HTTP."""

    REDIRECT = "redirect"  # it leads to https
    CLOSED = "closed"  # nobody answers, or with an error
    UNCHECKED = "unchecked"  # nobody looks


@dataclass(frozen=True)
class Endpoint:
    """One URL and what is expected of it."""

    url: str  # as the config has it: the id of all that is found about it
    host: str
    port: int
    is_https: bool
    plain_http: PlainHttp
    http_url: str | None  # where plain HTTP is looked for; None: nowhere
    latency_ms: float
    status: frozenset[int]  # empty: 200 to 399
    redirect_hosts: frozenset[str]
    headers_excepted: frozenset[str]
    cookies_excepted: frozenset[str]

    def expects(self, status: int) -> bool:
        """Tell whether this status is what the URL should answer."""
        return status in self.status if self.status else 200 <= status < 400

    def may_lead_to(self, host: str) -> bool:
        """Tell whether a redirect may lead to a host."""
        return host in {self.host, *self.redirect_hosts}


def read_endpoints(config: Mapping[str, Any]) -> tuple[Endpoint, ...]:
    """Return the URLs of a config; raises IntegrationNotConfigured with the URL that is wrong."""
    usual_latency_ms = float(config.get("latency_ms", 1000))
    endpoints = tuple(_endpoint(wanted, usual_latency_ms) for wanted in config.get("urls", ()))
    if not endpoints:
        raise IntegrationNotConfigured("there is no URL to watch", "name at least one in `urls`")
    urls = [endpoint.url for endpoint in endpoints]
    for url in urls:
        if urls.count(url) > 1:
            raise IntegrationNotConfigured(
                f"{url} stands in `urls` more than once", "leave it there once"
            )
    return endpoints


def url_parts(url: str) -> SplitResult:
    """Return a URL taken apart; raises IntegrationNotConfigured when nobody can ask for it."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        _refuse(url, f"is no URL ({error})")
    if parts.scheme not in PORTS or not parts.hostname:
        _refuse(url, "is no URL of https or http")
    if parts.username is not None:
        _refuse(f"https://{parts.hostname}", "carries a user name or a password")
    return parts


def port_of(parts: SplitResult) -> int:
    """Return the port of a URL, its scheme's own where it names none."""
    return parts.port or PORTS[parts.scheme]


def _endpoint(wanted: str | Mapping[str, Any], usual_latency_ms: float) -> Endpoint:
    fields: Mapping[str, Any] = {"url": wanted} if isinstance(wanted, str) else wanted
    url = str(fields["url"])
    parts = url_parts(url)
    http_url = fields.get("http_url")
    if http_url is not None and url_parts(http_url).scheme != "http":
        _refuse(http_url, "as `http_url` has to begin with http://")
    return Endpoint(
        url=url,
        host=parts.hostname or "",
        port=port_of(parts),
        is_https=parts.scheme == "https",
        plain_http=PlainHttp(fields.get("plain_http", PlainHttp.REDIRECT)),
        http_url=http_url or _plain_variant(parts),
        latency_ms=float(fields.get("latency_ms", usual_latency_ms)),
        status=frozenset(fields.get("status", ())),
        redirect_hosts=_lower(fields.get("redirect_hosts", ())),
        headers_excepted=_lower(fields.get("headers_excepted", ())),
        cookies_excepted=frozenset(fields.get("cookies_excepted", ())),
    )


def _plain_variant(parts: SplitResult) -> str | None:
    """Return where plain HTTP is; None beside a port of which nobody knows the counterpart."""
    if parts.scheme == "http":
        return parts.geturl()
    if port_of(parts) != PORTS["https"]:
        return None
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return parts._replace(scheme="http", netloc=str(host)).geturl()


def _lower(names: Iterable[str]) -> frozenset[str]:
    return frozenset(name.lower() for name in names)


def _refuse(url: str, why: str) -> NoReturn:
    raise IntegrationNotConfigured(
        f"{url} in `urls` {why}", "write it like https://www.example.com/path"
    )
