"""The environments of a worker: one per distinct content, built once, kept while in use."""

from worker.environment import Environment

__all__ = ["Environment"]
