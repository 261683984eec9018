"""Which of apprise's addresses are taken: services over the network, nothing of this machine."""

import re
from importlib.util import find_spec

from api.apprise_process import AppriseProcess
from utils.errors import TruelineError
from utils.suggest import did_you_mean

# Services at addresses of their own, and such that a URL names the host of. What starts programs,
# writes files or speaks to this machine (syslog, dbus, macosx, windows, ...) is not among them.
SCHEMES = frozenset(
    (
        *("discord", "slack", "tgram", "workflow", "workflows", "wxteams", "webex", "gchat"),
        *("zulip", "twist", "flock", "pagerduty", "opsgenie", "incidentio", "ilert", "splunk"),
        *("victorops", "betterstack", "spike", "squadcast", "pagertree", "pover", "pbul"),
        *("psafers", "prowl", "join", "twilio", "vonage", "msgbird", "sns", "ses", "mailgun"),
        *("sendgrid", "postmark", "resend", "brevo", "ifttt", "lark", "feishu", "dingtalk"),
        *("json", "jsons", "form", "forms", "xml", "xmls", "apprise", "apprises"),
        *("ntfy", "ntfys", "gotify", "gotifys", "mmost", "mmosts", "matrix", "matrixs"),
        *("rocket", "rockets", "nctalk", "nctalks", "synology", "synologys", "signal"),
        *("signals", "bark", "barks", "goalert", "goalerts", "mailto", "mailtos"),
    )
)
_SCHEME = re.compile(r"([A-Za-z0-9]{1,20})://")


class BadAppriseUrl(TruelineError):  # noqa: N818 - reads as what it says
    """People are told nothing at such an address."""


def check_apprise(url: str, process: AppriseProcess) -> str:
    """Return what may be shown of an address of apprise; raises BadAppriseUrl."""
    match = _SCHEME.match(url)
    scheme = match[1].lower() if match else ""
    if scheme not in SCHEMES or not url.isprintable():
        raise BadAppriseUrl(
            f"{scheme or 'this'}:// is no scheme that messages are sent by"
            f"{did_you_mean(scheme, SCHEMES)}",
            "see docs/events.md for those that are",
        )
    if find_spec("apprise") is None:
        raise BadAppriseUrl(
            "messages to people need apprise, which is not installed here",
            "install trueline with its extra: pip install 'trueline[notify]', and restart the API",
        )
    if fault := process.run({"do": "check", "url": url}):
        raise BadAppriseUrl(
            f"this {scheme}:// address is not usable: {fault}",
            "write it as apprise's page of that service says",
        )
    return f"{scheme}://…"
