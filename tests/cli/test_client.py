from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from uuid import uuid4

import pytest
import trustme

from cli.client import ApiProblem, ApiUnreachable, Client, NoSuchName, address_part
from cli.exits import Exit
from cli.stack import Stack


class _NotOurs(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/api/v1/me" else 502)
        self.end_headers()
        self.wfile.write(b"<html>some proxy</html>")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def proxy_error() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _NotOurs) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def api(stack: Stack) -> Iterator[Client]:
    with Client(stack.address) as client:
        client.send("POST", "//init-integrations")
        yield client


def deployed(api: Client, **config: object) -> str:
    name = f"d-{uuid4()}"
    api.post("/deployments", {"name": name, "integration": "nap", "config": config})
    return name


def test_nothing_at_the_address_says_where_and_what_to_do() -> None:
    with Client("http://127.0.0.1:9") as api, pytest.raises(ApiUnreachable) as told:
        api.get("/jobs")
    assert "no API answers at http://127.0.0.1:9" in told.value.reason
    assert "trueline up" in told.value.advice
    assert told.value.exit_code is Exit.FAILED


@pytest.mark.parametrize("scheme", ["https", "HTTPS"])
def test_an_api_with_a_certificate_that_nobody_vouches_for_gets_no_token(
    scheme: str, tls: Callable[[trustme.CA, str], AbstractContextManager[str]]
) -> None:
    with tls(trustme.CA(), "localhost") as url:
        address = scheme + url.removeprefix("https")
        with Client(address, "a token") as api, pytest.raises(ApiUnreachable) as told:
            api.get("/jobs")
    assert "CERTIFICATE_VERIFY_FAILED" in str(told.value.__cause__)


def test_an_answer_that_is_no_problem_of_ours_still_reads(proxy_error: str) -> None:
    with Client(proxy_error) as api, pytest.raises(ApiProblem) as told:
        api.get("/jobs")
    assert "502" in told.value.reason
    assert told.value.exit_code is Exit.FAILED


def test_a_page_of_another_server_is_no_answer(proxy_error: str) -> None:
    with Client(proxy_error) as api, pytest.raises(ApiProblem, match="no Trueline API") as told:
        api.get("/me")
    assert "TRUELINE_API_URL" in told.value.advice


def test_a_refusal_carries_the_places_and_the_advice(api: Client) -> None:
    body = {"name": "x", "integration": "nap", "config": {"seconds": "long"}}
    with pytest.raises(ApiProblem, match="/config/seconds") as told:
        api.post("/deployments", body)
    assert told.value.status == 422
    assert told.value.reason.count("/config/seconds") == 1
    assert told.value.advice
    assert told.value.exit_code is Exit.USAGE


def test_a_refusal_cannot_steer_the_terminal(api: Client) -> None:
    with pytest.raises(ApiProblem) as told:
        api.get("/deployments/%C2%9B2J")
    assert "\\x9b2J" in told.value.reason


@pytest.mark.parametrize("name", ["", ".", "..", "../jobs", "a/b"])
def test_what_no_thing_is_named_does_not_lead_to_another_address(name: str) -> None:
    with pytest.raises(NoSuchName, match="is no name and no id"):
        address_part(name)


def test_a_name_is_one_part_of_an_address_whatever_is_in_it(api: Client) -> None:
    with pytest.raises(ApiProblem, match=r"no deployment 'a\?b#c'"):
        api.get(f"/deployments/{address_part('a?b#c')}")


def test_lists_are_read_over_their_pages(api: Client) -> None:
    names = {deployed(api) for _ in range(3)}
    assert names <= {row["name"] for row in api.items("/deployments", most=1000)}
    assert len(api.items("/deployments", most=2)) == 2


def test_following_a_job_gives_each_event_once_and_ends_with_it(api: Client) -> None:
    job_id = api.post(f"/deployments/{deployed(api)}/jobs")["job_id"]
    kinds = [event["type"] for event in api.follow(job_id)]
    assert kinds[0] == "started"
    assert kinds[-1] == "job_finished"
    assert kinds.count("task_finished") == 2
    assert api.wait(job_id)["status"] == "success"
    assert [event["type"] for event in api.follow(job_id)] == kinds
