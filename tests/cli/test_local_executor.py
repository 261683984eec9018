"""Tests of how far jobs of this machine reach without an API."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from cli.local_run import LocalWorker, read_entry
from tests.httpd import echoing
from utils.settings import read_settings
from worker.isolation import choose_isolation

CONNECT = """
import socket
from utils.base_runner import BaseRunner
from utils.decorators import task


class Runner(BaseRunner):
    pass


@task(name="connect", title="Connect")
def connect(self, ctx):
    with socket.create_server(("127.0.0.1", 0)) as own:
        socket.create_connection(own.getsockname(), 5).close()
    try:
        socket.create_connection(("127.0.0.1", ctx.config["port"]), 5).close()
    except OSError:
        return {"data": {"reached": False}}
    return {"data": {"reached": True}}
"""


@pytest.mark.skipif(choose_isolation("").sandbox is None, reason="there is no sandbox here")
def test_alone_a_job_has_a_loopback_of_its_own_and_no_other_network(
    shop: Path, environ: Mapping[str, str]
) -> None:
    entry = shop / "integrations" / "shop" / "entry.py"
    entry.write_text(CONNECT)
    for folder in ("collectors", "insights"):
        for path in (shop / "integrations" / "shop" / folder).iterdir():
            path.unlink()
    here = LocalWorker(read_settings(environ, shop), environ, lambda _event: None)
    reached = {}
    with echoing() as address:
        port = int(address.rpartition(":")[2])
        opened = {**environ, "TRUELINE_LOOPBACK": "open"}
        near = LocalWorker(read_settings(opened, shop), opened, lambda _event: None)
        for name, worker, alone in (("alone", here, True), ("open", near, False)):
            with worker.open(alone=alone) as session:
                found = read_entry(shop, "shop")
                ended = session.run(session.prepare(shop, found), found, {"port": port})
                (result,) = ended.results
                reached[name] = result["data"]["reached"]
    assert reached == {"alone": False, "open": True}
