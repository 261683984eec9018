import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

import api.apprise_process
from api.apprise_process import AppriseProcess
from tests.receiver import Receiver, Reply

HERE = AppriseProcess("127.0.0.1/32", os.environ)
NOWHERE = AppriseProcess("", os.environ)


def order(url: str) -> Mapping[str, str]:
    return {"do": "send", "url": url, "title": "a title", "body": "a body", "tone": "warning"}


def test_message_arrives(receiver: Receiver) -> None:
    receiver.replies.append(Reply(200))
    url = f"json://127.0.0.1:{receiver.port}/to/people"
    assert HERE.run(order(url)) is None
    (got,) = receiver.received
    said = json.loads(got.body)
    assert (said["title"], said["message"], said["type"]) == ("a title", "a body", "warning")


def test_refusal_of_a_service_is_told_without_its_address(receiver: Receiver) -> None:
    receiver.replies.append(Reply(500))
    fault = HERE.run(order(f"json://127.0.0.1:{receiver.port}/s3cret-path"))
    assert fault is not None
    assert "500" in fault
    assert "s3cret" not in fault


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001"])
def test_this_machine_is_refused_by_any_name(receiver: Receiver, host: str) -> None:
    fault = NOWHERE.run(order(f"json://{host}:{receiver.port}/"))
    assert fault is not None
    assert receiver.received == []


def test_redirect_is_not_followed_where_its_target_is_allowed_either(
    make_receiver: Callable[[], Receiver],
) -> None:
    first, second = make_receiver(), make_receiver()
    first.replies.append(Reply(307, {"Location": f"{second.url}/elsewhere"}))
    assert HERE.run(order(f"json://127.0.0.1:{first.port}/?redirect=yes")) is not None
    assert (len(first.received), second.received) == (1, [])


def test_nothing_is_sent_in_clear_over_the_internet() -> None:
    fault = HERE.run(order("json://1.1.1.1/"))  # refused before a packet is sent
    assert "does not encrypt" in str(fault)


def test_redirect_is_not_followed_inside_even_when_the_address_asks_for_it(
    make_receiver: Callable[[], Receiver],
) -> None:
    outside, inside = make_receiver(), make_receiver()
    only_one = AppriseProcess(f"127.0.0.1:{outside.port}", os.environ)
    for query in ("", "?redirect=yes"):
        outside.replies.append(Reply(307, {"Location": f"{inside.url}/metadata"}))
        fault = only_one.run(order(f"json://127.0.0.1:{outside.port}/{query}"))
        assert fault is not None
    assert (len(outside.received), inside.received) == (2, [])


def test_process_that_hangs_is_ended(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api.apprise_process, "DEADLINE_SECONDS", 2.0)
    receiver.release.clear()
    assert HERE.run(order(f"json://127.0.0.1:{receiver.port}/")) == "no answer within 2 s"


def test_address_is_checked_without_being_used(receiver: Receiver) -> None:
    url = f"json://127.0.0.1:{receiver.port}/"
    assert HERE.run({"do": "check", "url": url}) is None
    assert HERE.run({"do": "check", "url": "slack://too-short"}) is not None
    assert receiver.received == []


def test_files_are_not_sent_along(receiver: Receiver, tmp_path: Path) -> None:
    template = tmp_path / "card.json"
    template.write_text('{"s3cret": 1}')
    fault = HERE.run(order(f"workflows://127.0.0.1:{receiver.port}/W/S?template={template}"))
    assert fault is not None
    assert receiver.received == []


@pytest.mark.parametrize("scheme", ["mailto", "mailtos", "ntfy", "ntfys", "json", "jsons"])
def test_libraries_find_their_own_files(scheme: str, free_port: int) -> None:
    url = f"{scheme}://user:pass@127.0.0.1:{free_port}/topic?to=ada@example.com"
    fault = HERE.run(order(url))
    assert fault is not None
    assert "file" not in fault
