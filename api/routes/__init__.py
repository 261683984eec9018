"""The routes, one module a noun; BLUEPRINTS lists them all."""

from flask_openapi.blueprint import APIBlueprint

from api.routes import catalogue, deployments, health, init, integrations, spec

# Each module has one blueprint named `routes`, made by `api.openapi.blueprint`.
# To come when they exist: jobs, leases, events, violations, ticks.
BLUEPRINTS: tuple[APIBlueprint, ...] = (
    init.routes,
    integrations.routes,
    deployments.routes,
    catalogue.routes,
    health.routes,
    spec.routes,
)
