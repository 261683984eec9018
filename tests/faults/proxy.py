"""What stands between a worker and the API: cuts, drops, and notes what is confirmed."""

import http.client
import json
import threading
import time
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Proxy:
    """Stands between a worker and the API, and keeps what the API confirmed to the worker."""

    def __init__(self, api_port: int) -> None:
        self.api_port = api_port
        self.is_cut = threading.Event()
        self.closed = threading.Event()
        self.replies_to_drop: dict[str, int] = defaultdict(int)
        self.dropped: list[str] = []
        self.statuses: dict[str, list[int]] = defaultdict(list)
        self.confirmed: set[tuple[str, int, int]] = set()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.proxy = self
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def note(self, path: str, body: bytes, status: int, answer: bytes) -> None:
        """Remember a reply that the worker gets."""
        self.statuses[path].append(status)
        if path != "/api/v1/events" or status != 200:
            return
        outcomes = {(o["job_id"], o["attempt"]): o for o in json.loads(answer)["outcomes"]}
        for report in json.loads(body)["reports"]:
            lease = (report["job_id"], report["attempt"])
            if outcomes[lease]["status"] == "recorded":
                self.confirmed |= {(*lease, event["seq"]) for event in report["events"]}

    def close(self) -> None:
        self.closed.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    proxy: Proxy

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Take it that a side has hung up: that is what faults are."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        self._pass_on()

    def do_POST(self) -> None:
        self._pass_on()

    def do_PUT(self) -> None:
        self._pass_on()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Say nothing."""

    def _pass_on(self) -> None:
        proxy = self.server.proxy
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if proxy.is_cut.is_set():
            self._hold()
            return
        try:
            status, headers, answer = self._ask_api(body)
        except ConnectionRefusedError:
            self.send_error(502)  # as gateways do
            return
        except OSError:
            self.close_connection = True
            return
        if proxy.replies_to_drop[self.path]:
            proxy.replies_to_drop[self.path] -= 1
            proxy.dropped.append(self.path)
            self.close_connection = True
            return
        if proxy.is_cut.is_set():
            self._hold()
            return
        proxy.note(self.path, body, status, answer)
        self.send_response(status)
        for name in ("Content-Type", "Retry-After"):
            if name in headers:
                self.send_header(name, headers[name])
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def _hold(self) -> None:
        """Neither answer nor hang up while the connection is cut."""
        proxy = self.server.proxy
        while proxy.is_cut.is_set() and not proxy.closed.is_set():
            time.sleep(0.02)
        self.close_connection = True

    def _ask_api(self, body: bytes) -> tuple[int, Any, bytes]:
        api = http.client.HTTPConnection("127.0.0.1", self.server.proxy.api_port, timeout=60)
        passed_on = ("Content-Type", "X-Trueline-Lease")
        headers = {name: self.headers[name] for name in passed_on if name in self.headers}
        try:
            api.request(self.command, self.path, body, headers)
            response = api.getresponse()
            return response.status, response.headers, response.read()
        finally:
            api.close()
