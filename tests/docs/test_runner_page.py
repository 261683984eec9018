"""The integration of docs/reference/runner.md, run for real against a server that wants both."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from utils.base_runner import BaseRunner
from utils.tasks import MOST_PARALLEL_TASKS

if TYPE_CHECKING:
    from tests.docs.conftest import Block

PAGE = "docs/reference/runner.md"
ANSWERS = {"/orders": [{"pieces": 3}, {"pieces": 4}], "/stock": {"pieces": 5}}


class _Handler(BaseHTTPRequestHandler):
    met: threading.Barrier

    def do_GET(self) -> None:
        self.met.wait()
        body = json.dumps(ANSWERS[self.path]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Say nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    """Serve orders and stock, once both are asked for at the same time."""
    handler = type("Handler", (_Handler,), {"met": threading.Barrier(2, timeout=20)})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_its_example_asks_for_both_at_once(
    url: str,
    read_blocks: "Callable[..., list[Block]]",
    write_snapshot: Callable[[Mapping[str, str]], Path],
    run_child: Callable[..., Any],
) -> None:
    (example,) = read_blocks(PAGE, "python")
    assert example.file == "entry.py"
    snapshot = write_snapshot({"entry.py": example.text})
    child = run_child("sample", snapshot, config={"url": url})
    assert {name: result["status"] for name, result in child.results.items()} == dict.fromkeys(
        ("read_orders", "read_stock", "total_orders", "enough_stock"), "success"
    )
    assert child.results["total_orders"]["data"] == {"pieces": 7}
    assert child.results["enough_stock"]["verdict"] == "fail"
    assert set(child.stdout.splitlines()) == {
        f"[read_orders] read {url}/orders", f"[read_stock] read {url}/stock"
    }  # fmt: skip


def test_its_table_has_the_parts_of_a_runner_with_their_defaults() -> None:
    text = (Path(__file__).parents[2] / PAGE).read_text(encoding="utf-8")
    assert f"| `parallel_tasks` | `{BaseRunner.parallel_tasks}` |" in text
    assert f"from 1 to {MOST_PARALLEL_TASKS}" in text
    parts = [name for name in vars(BaseRunner) if not name.startswith("_")]
    assert [name for name in parts if f"| `{name}" not in text and name != "source"] == []
