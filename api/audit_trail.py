"""Keeps the audit log of requests: a change is committed together with its row, or not at all."""

from collections import OrderedDict
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Lock

import structlog
from flask import Flask, Response, g, has_request_context, request
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException

from api.audit import Entry, field_names, made_in, record, record_change
from api.clock import Clock
from api.database import Database
from api.guard import SAFE_METHODS
from api.permissions import is_for_workers
from api.principal import NOBODY, Principal, current_principal
from api.problem_answers import request_id
from api.problems import CONTENT_TYPE

LOGINS = frozenset({"login.enter", "login.come_back"})
REFUSALS = frozenset({401, 403})
FIRST_FAILURE = 400
MOST_IDLE = 30  # entries of one principal a minute that stand for no change
MINUTE = timedelta(minutes=1)
MOST_KNOWN = 1024
LONGEST_PATH = 200
LONGEST_ID = 200

log = structlog.get_logger()


class AuditTrail:
    """Attends each request, and each transaction that a request writes in."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._usual: dict[str, int] = {}  # what each action is answered with when it goes well
        self._bound = Bound()

    def attend(self, app: Flask) -> None:
        """Keep the log of this app's requests."""
        app.before_request(self._begin)
        app.after_request(self._finish)
        self._database.attend(self._witness)

    def _begin(self) -> None:
        changes = request.method not in SAFE_METHODS and not is_for_workers(request.endpoint)
        g.audited = changes or request.endpoint in LOGINS
        if g.audited:
            g.audit = self._new_entry()

    def _new_entry(self) -> Entry:
        rule = request.url_rule.rule if request.url_rule else request.path[:LONGEST_PATH]
        action = request.endpoint or "nothing"
        return Entry(self._clock(), action, request.method, rule, request_id(), *_object())

    def _witness(self, connection: Connection) -> None:
        """Write the row of a request's change into the transaction that makes it."""
        if not has_request_context() or not g.get("audited", False):
            return
        begun: Entry = g.audit
        entry = begun.by(
            _who(),
            changed=True,
            status=self._usual.get(begun.action),
            fields=field_names(request.get_json(silent=True)),
            object_id=begun.object_id or made_in(connection),
        )
        record_change(connection, entry, is_first=not begun.changed)
        g.audit = entry

    def _finish(self, response: Response) -> Response:
        if g.get("audited", False):
            entry: Entry = g.audit
        elif response.status_code in REFUSALS and _is_known():
            entry = g.audit = self._new_entry()
        else:
            return response
        if _is_complete(entry, response):
            return response
        ended = _answered(entry.by(_who()), response)
        if ended.changed and response.status_code < FIRST_FAILURE:
            self._usual[ended.action] = response.status_code
        if ended != entry and (ended.changed or self._is_worth_it(ended)):
            self._record(ended)
        return response

    def _is_worth_it(self, entry: Entry) -> bool:
        known = _is_known() or entry.action in LOGINS
        return known and self._bound.allows(entry.principal, entry.at)

    def _record(self, entry: Entry) -> None:
        g.audited = False  # this transaction is about the log itself
        try:
            with self._database.write(durable=False) as connection:
                record(connection, entry)
        except SQLAlchemyError as error:
            log.warning("audit entry not completed", entry=entry.id, error=type(error).__name__)


class Bound:
    """Lets each principal have so many entries a minute, so that refusals fill no disk."""

    def __init__(self, most: int = MOST_IDLE) -> None:
        self._most = most
        self._lock = Lock()
        self._counts: OrderedDict[str, tuple[datetime, int]] = OrderedDict()

    def allows(self, principal: str, now: datetime) -> bool:
        """Whether there is room for one more now; it is taken then."""
        with self._lock:
            began, count = self._counts.pop(principal, (now, 0))
            if now - began >= MINUTE:
                began, count = now, 0
            self._counts[principal] = (began, count + 1)
            while len(self._counts) > MOST_KNOWN:
                self._counts.popitem(last=False)
            return count < self._most


def note_login(principal: Principal, reason: str | None = None) -> None:
    """Say who logs in, or was refused and why, in the entry of the request under way."""
    g.suspect = principal
    g.audit = replace(g.audit, reason=reason)


def _who() -> Principal:
    known: Principal = g.get("suspect") or current_principal()
    return known


def _is_known() -> bool:
    return "suspect" in g or current_principal() != NOBODY


def _object() -> tuple[str | None, str | None]:
    """Return the kind and the name of what a request is about, as its address says it."""
    for name, value in (request.view_args or {}).items():
        kind = request.blueprint if name == "name" else name.removesuffix("_id")
        return kind, str(value).replace("\0", "")[:LONGEST_ID]
    return request.blueprint, None


def _is_complete(entry: Entry, response: Response) -> bool:
    """Whether an entry was written with all that its answer could add; most changes' were."""
    as_foreseen = entry.changed and entry.status == response.status_code < FIRST_FAILURE
    return as_foreseen and entry.object_id is not None and "suspect" not in g


def _answered(entry: Entry, response: Response) -> Entry:
    """Complete an entry by the answer: its status, the id of what was made, why it was refused."""
    content = response.get_json(silent=True) if response.is_json else None
    said = content if isinstance(content, dict) else {}
    refused = response.status_code in REFUSALS and response.mimetype == CONTENT_TYPE
    return replace(
        entry,
        status=response.status_code,
        fields=entry.fields if entry.changed else _sent_fields(),
        object_id=entry.object_id or said.get("id"),
        reason=str(said.get("detail", "")) if refused else entry.reason,
    )


def _sent_fields() -> tuple[str, ...] | None:
    try:
        return field_names(request.get_json(silent=True))
    except HTTPException:  # the body is too large, or broke off
        return None
