"""Puts the API together: state, guard, problems and routes."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from flask_openapi.models.info import Info
from flask_openapi.openapi import OpenAPI

from api.access import demand_access
from api.audit_trail import AuditTrail
from api.changes import changes_of
from api.clock import Clock, utc_now
from api.compression import compress_bodies
from api.config_secrets import SecretBox
from api.database import Database
from api.editions import tag_answers
from api.exchanges import log_exchange, watch_exchanges
from api.gate import Gate
from api.grace import Grace
from api.guard import guard
from api.health import add_checks
from api.invalid_requests import refuse_request
from api.job_log import log_facts
from api.json_format import JsonFormat
from api.lease_watch import tell_outages
from api.marks import marks_reader
from api.metrics import Metrics, shared_metrics_of
from api.oidc_registration import registration_of
from api.problem_answers import answer_with_problems
from api.problems import ProblemDocument
from api.request_spans import trace_requests
from api.routes import BLUEPRINTS
from api.secret_key import Keyring
from api.signing_key import read_signing_keys
from api.state import KEY, State
from api.wakeups import Wakeups
from utils import __version__
from utils.checks import Checks
from utils.settings import Settings
from utils.steps import Stops
from utils.tracing import NoTracing, Tracing

if TYPE_CHECKING:
    from api.oidc import Provider

NOTHING: Mapping[str, str] = MappingProxyType({})


class App(OpenAPI):
    """Flask without what each request would cost for nothing."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Take every function as it is: Flask asks at each call of each whether it is async."""
        return func


def create_app(
    settings: Settings,
    database: Database | None = None,
    clock: Clock = utc_now,
    environ: Mapping[str, str] = NOTHING,
    tracing: Tracing | None = None,
) -> OpenAPI:
    """Make the application; the database must have been migrated.

    `environ` is where git's PATH, proxies and certificate authorities are taken from.
    """
    app = App(
        __name__,
        info=Info(title="Trueline", version=__version__),
        validation_error_model=ProblemDocument,
        validation_error_callback=refuse_request,
        doc_ui=False,
    )
    app.json = JsonFormat(app)
    database = database or Database(settings.database)
    key_file = settings.signing_key_file
    metrics = Metrics()
    metrics.watch_pool(database.engine)
    database.facts.listeners += [log_facts, metrics.hear_facts]
    started_at = clock()
    state = app.extensions[KEY] = State(
        settings=settings,
        database=database,
        clock=clock,
        wakeups=Wakeups(
            marks_reader(database),
            changes_of(database, settings.api_processes),
            count=metrics.hear_waiting,
        ),
        secrets=SecretBox(Keyring.of(settings)),
        started_at=started_at,
        grace=Grace(started_at, timedelta(seconds=settings.lease_seconds)),
        environ=environ,
        gate=Gate(read_signing_keys(key_file), database, clock) if key_file else None,
        people=_provider_of(settings),
        metrics=metrics,
        shared_metrics=shared_metrics_of(settings),
        stops=Stops(),
        checks=Checks(),
    )
    state.stops.add("database", database.close)
    tracing = tracing or NoTracing()
    state.stops.add("traces", tracing.stop)
    state.stops.add("waiting requests", state.wakeups.end)
    add_checks(state)
    answer_with_problems(app)
    trace_requests(app, tracing)
    heard = [metrics.hear_exchange, *([log_exchange] if settings.logs_requests else [])]
    watch_exchanges(app, *heard)
    guard(app, settings)
    AuditTrail(database, clock).attend(app)
    tell_outages(app, state.grace, clock)  # before tokens are looked up in the database
    demand_access(app)
    compress_bodies(app)
    tag_answers(app)  # after_request runs backwards: an answer is tagged before it is compressed
    for blueprint in BLUEPRINTS:
        app.register_api(blueprint)
    return app


def _provider_of(settings: Settings) -> "Provider | None":
    registration = registration_of(settings)
    if registration is None:
        return None
    from api.oidc import Provider  # noqa: PLC0415 - start-up time

    return Provider(registration)
