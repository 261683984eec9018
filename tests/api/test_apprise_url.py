import json
import os
import subprocess
import sys

import pytest

from api.apprise_process import AppriseProcess
from api.apprise_url import SCHEMES, BadAppriseUrl, check_apprise

PROCESS = AppriseProcess("", os.environ)


@pytest.mark.parametrize(
    "url",
    [
        "syslog://",
        "rsyslog://127.0.0.1/",
        "dbus://",
        "gnome://",
        "macosx://",
        "windows://",
        "exec://bin/sh",
        "file:///etc/passwd",
        "config://x",
        "https://example.com/",
        "irc://example.com/",
        "slack",
        "",
        "jsons://example.com/\n",
    ],
)
def test_what_is_no_service_over_the_network_is_refused(url: str) -> None:
    with pytest.raises(BadAppriseUrl) as caught:
        check_apprise(url, PROCESS)
    assert "docs/events.md" in caught.value.advice


def test_address_is_shown_as_its_scheme_alone() -> None:
    assert check_apprise("jsons://user:pass@example.com/secret", PROCESS) == "jsons://…"


def test_address_that_apprise_does_not_understand_is_told_why() -> None:
    with pytest.raises(BadAppriseUrl, match="slack:// address is not usable") as caught:
        check_apprise("slack://short", PROCESS)
    assert caught.value.advice


def test_near_miss_is_guessed() -> None:
    with pytest.raises(BadAppriseUrl, match="slack"):
        check_apprise("slak://a/b/c", PROCESS)


def test_without_the_extra_the_advice_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("api.apprise_url.find_spec", lambda _: None)
    with pytest.raises(BadAppriseUrl, match="not installed") as caught:
        check_apprise("jsons://example.com/", PROCESS)
    assert "trueline[notify]" in caught.value.advice


LISTED = """
import json
from apprise import Apprise
services = Apprise().details()["schemas"]
print(json.dumps([name for it in services for name in
    (*(it["protocols"] or ()), *(it["secure_protocols"] or ()))]))
"""


def test_every_scheme_is_one_of_apprise() -> None:
    command = [sys.executable, "-I", "-c", LISTED]  # importing all of it warns of its age
    listed = subprocess.run(command, capture_output=True, timeout=60, check=True).stdout
    assert set(json.loads(listed)) >= SCHEMES
