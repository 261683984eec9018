"""The routes, one module a noun; BLUEPRINTS lists them all."""

from flask_openapi.blueprint import APIBlueprint

from api.routes import (
    catalogue,
    deliveries,
    deployments,
    events,
    health,
    init,
    integrations,
    jobs,
    leases,
    metrics,
    pages,
    pushes,
    spec,
    task_data,
    ticks,
    violations,
    webhooks,
    workers,
)

# Each module has one blueprint named `routes`, made by `api.openapi.blueprint`.
BLUEPRINTS: tuple[APIBlueprint, ...] = (
    init.routes,
    integrations.routes,
    deployments.routes,
    jobs.routes,
    violations.routes,
    webhooks.routes,
    deliveries.routes,
    pushes.routes,
    leases.routes,
    events.routes,
    task_data.routes,
    ticks.routes,
    catalogue.routes,
    workers.routes,
    health.routes,
    metrics.routes,
    spec.routes,
    pages.routes,
)
