"""Every table: whoever compares or migrates the schema takes `metadata` from here."""

from api.audit_table import audit
from api.kept_answers_table import kept_answers
from api.key_records import secret_keys
from api.retention_table import retention
from api.tables import metadata
from api.token_table import sessions, tokens
from api.webhook_tables import deliveries, looks, pushes, webhooks
from api.workers_table import workers

__all__ = [
    "audit",
    "deliveries",
    "kept_answers",
    "looks",
    "metadata",
    "pushes",
    "retention",
    "secret_keys",
    "sessions",
    "tokens",
    "webhooks",
    "workers",
]
