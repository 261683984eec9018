"""The base of every error that the worker raises."""

from utils.errors import TruelineError


class WorkerError(TruelineError):
    """The worker cannot do what it was asked to do; see `reason` and `advice`."""
