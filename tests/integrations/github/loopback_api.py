"""GitHub's REST API as far as the integration asks it, played on loopback."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

TOKEN = "ghs_loopback"
PREFIX = "/api/v3"  # where GitHub Enterprise Server has it


@dataclass(frozen=True)
class Answer:
    """What the API says, with what status."""

    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)


Asked = Callable[[str, Mapping[str, str]], Answer | None]


def nothing_first(_path: str, _query: Mapping[str, str]) -> Answer | None:
    """Leave each answer to the table."""
    return None


@dataclass
class LoopbackApi:
    """Answers from a table of paths; lists are paged by `Link`, `page_size` to a page.

    `before` is asked first: what it returns is the answer, such as a spent limit.
    """

    paths: dict[str, Any]
    page_size: int = 2
    before: Asked = nothing_first
    heard: list[str] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{PREFIX}"

    def answer(self, target: str, headers: Mapping[str, str]) -> Answer:
        parts = urlsplit(target)
        path, query = parts.path.removeprefix(PREFIX), dict(parse_qsl(parts.query))
        self.heard.append(path)
        if headers.get("Authorization") != f"Bearer {TOKEN}":
            return refused(401, "Bad credentials")
        if headers.get("X-GitHub-Api-Version") != "2022-11-28":
            return refused(400, "No such API version")
        said = self.before(path, query)
        if said is not None:
            return said
        found = self.paths.get(_key(path, query), self.paths.get(path, refused(404, "Not Found")))
        if isinstance(found, Answer):
            return found
        return (
            self._page(parts.path, query, found) if isinstance(found, list) else Answer(200, found)
        )

    def _page(self, path: str, query: dict[str, str], items: list[Any]) -> Answer:
        number = int(query.get("page", "1"))
        size = min(self.page_size, int(query.get("per_page", "30")))
        last = max(1, -(-len(items) // size))
        links = {"prev": number - 1, "next": number + 1, "last": last, "first": 1}
        if number == last:
            del links["next"], links["last"]
        if number == 1:
            del links["prev"], links["first"]
        link = ", ".join(
            f'<http://127.0.0.1:{self.port}{path}?{urlencode(query | {"page": page})}>; rel="{rel}"'
            for rel, page in links.items()
        )
        page = items[(number - 1) * size : number * size]
        return Answer(200, page, {"link": link} if link else {})


def refused(status: int, message: str, **headers: str) -> Answer:
    """Return an error as the API words it."""
    told = {"message": message, "documentation_url": "https://docs.github.com/rest"}
    return Answer(
        status,
        {**told, "status": str(status)},
        {name.replace("_", "-"): value for name, value in headers.items()},
    )


def limit_spent(seconds: float) -> Answer:
    """Return what the API says when the hour's requests are used up."""
    return refused(
        403,
        "API rate limit exceeded for installation ID 1.",
        x_ratelimit_limit="5000",
        x_ratelimit_remaining="0",
        x_ratelimit_reset=str(int(time.time() + seconds)),
    )


def abuse_limit(seconds: int) -> Answer:
    """Return what the API says to who asks too fast."""
    said = (
        "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
    )
    return refused(403, said, retry_after=str(seconds))


@contextmanager
def serving(api: LoopbackApi) -> Iterator[LoopbackApi]:
    """Serve an API at a free port of loopback."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            said = api.answer(self.path, self.headers)  # type: ignore[arg-type]
            body = json.dumps(said.body).encode()
            self.send_response(said.status)
            usual = {"x-ratelimit-limit": "5000", "x-ratelimit-remaining": "4990"}
            told = {"content-type": "application/json; charset=utf-8", **usual, **said.headers}
            for name, value in {**told, "content-length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing on stderr."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    api.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield api
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _key(path: str, query: Mapping[str, str]) -> str:
    """Return the key of an answer that depends on a filter."""
    told = [f"{name}={query[name]}" for name in ("affiliation", "filter") if name in query]
    return f"{path}?{'&'.join(told)}" if told else path
