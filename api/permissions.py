"""Which role may call which route: one table, and what is not in it is refused."""

from collections.abc import Mapping
from types import MappingProxyType

from api.principal import Role

Roles = frozenset[Role | None]  # None: whoever asks, without a token too

OPEN: Roles = frozenset({None, *Role})
KNOWN: Roles = frozenset(Role)
READERS: Roles = frozenset({Role.VIEWER, Role.OPERATOR, Role.ADMIN})
OPERATORS: Roles = frozenset({Role.OPERATOR, Role.ADMIN})
ADMINS: Roles = frozenset({Role.ADMIN})
WORKERS: Roles = frozenset({Role.WORKER})  # not even admins: a lease has secrets in clear
REFUSED: Roles = frozenset()

ROUTES: Mapping[str, Roles] = MappingProxyType(
    {
        "init.init": OPERATORS,
        "integrations.list_all": READERS,
        "integrations.read": READERS,
        "deployments.list_all": READERS,
        "deployments.create": OPERATORS,
        "deployments.read": READERS,
        "deployments.change": OPERATORS,
        "deployments.remove": OPERATORS,
        "jobs.start": OPERATORS,
        "jobs.list_all": READERS,
        "jobs.read": READERS,
        "jobs.tasks": READERS,
        "jobs.cancel": OPERATORS,
        "events.follow": READERS,
        "task_data.read": READERS,
        "violations.list_all": READERS,
        "violations.read": READERS,
        "violations.change": OPERATORS,
        "webhooks.list_all": OPERATORS,
        "webhooks.read": OPERATORS,
        "webhooks.create": ADMINS,
        "webhooks.change": ADMINS,
        "webhooks.remove": ADMINS,
        "webhooks.test": ADMINS,
        "deliveries.list_all": OPERATORS,
        "deliveries.read": OPERATORS,
        "deliveries.send_again": OPERATORS,
        "pushes.take": OPEN,  # of forges: their signature is checked instead
        "tokens.create": ADMINS,
        "tokens.list_all": ADMINS,
        "tokens.revoke": ADMINS,
        "sessions.close": ADMINS,
        "audit.list_all": ADMINS,
        "me.read": KNOWN,
        "workers.list_all": READERS,
        "workers.put": WORKERS,
        "leases.claim": WORKERS,
        "leases.renew": WORKERS,
        "leases.release": WORKERS,
        "events.report": WORKERS,
        "task_data.upload": WORKERS,
        "catalogue.put": WORKERS,
        "ticks.do_tick": WORKERS,
        "health.live": OPEN,
        "health.ready": OPEN,  # its status; the details are for READERS
        "metrics.metrics": READERS,
        "spec.spec": READERS,
        "spec.docs": READERS,
        "spec.script": OPEN,  # a file of a library
        "pages.home": READERS,
        "pages.job": READERS,
        "pages.violations": READERS,
        "login.show": OPEN,
        "login.enter": OPEN,
        "login.go": OPEN,
        "login.come_back": OPEN,
        "login.leave": OPEN,
        "static": OPEN,
    }
)


def roles_of(endpoint: str | None) -> Roles:
    """Return who may call a route; where there is none, whoever is known learns so."""
    return KNOWN if endpoint is None else ROUTES.get(endpoint, REFUSED)


def is_for_workers(endpoint: str | None) -> bool:
    """Whether workers alone call this."""
    return endpoint is not None and ROUTES.get(endpoint) == WORKERS


def in_words(roles: Roles) -> str:
    """Return the roles as a sentence has them."""
    names = [role.value for role in Role if role in roles]
    return " or ".join(names) or "none"
