"""What is logged of a request: never a header, a query value or a whole body."""

import logging
import time
from urllib.parse import urlsplit

from utils.concealed import MARK, concealed, one_line
from utils.http_answer import Answer, Fault, told
from utils.http_order import Order
from utils.integration_errors import IntegrationError
from utils.secret_paths import without_credentials

PATH_LIMIT = 300
_LIBRARIES = ("httpx2", "httpcore2")  # they log whole URLs and headers


class CallLog:
    """The log of one request; DEBUG each answer, WARNING each retry, ERROR once at the end."""

    def __init__(self, logger: logging.Logger, max_attempts: int) -> None:
        self._logger = logger
        self._max_attempts = max_attempts
        self._began_at = 0.0

    def begins(self) -> None:
        """Take the time: a request is about to be sent."""
        self._began_at = time.perf_counter()

    def ended(self, order: Order, outcome: Answer | Fault) -> None:
        """Log one answer with its duration."""
        if not self._logger.isEnabledFor(logging.DEBUG):
            return
        parts = urlsplit(order.url)
        path = concealed(without_credentials(parts.path, MARK), order.secrets)
        self._logger.debug(
            "%s %s %s %s %.0f ms",
            order.method,
            parts.hostname,
            one_line(path, PATH_LIMIT) or "/",
            outcome.status if isinstance(outcome, Answer) else told(order, outcome),
            (time.perf_counter() - self._began_at) * 1000,
        )

    def retries(self, error: IntegrationError, attempt: int, wait_seconds: float) -> None:
        """Log that a request is sent again."""
        text = "attempt %d/%d failed: %s: %s; retrying in %.3g s"
        kind = type(error).__name__
        self._logger.warning(text, attempt, self._max_attempts, kind, error.reason, wait_seconds)

    def refused(self, error: IntegrationError) -> None:
        """Log an error that no further attempt would change."""
        self._logger.error("failed: %s: %s", type(error).__name__, error.reason)

    def gave_up(self, error: IntegrationError, attempt: int) -> None:
        """Log the error that is raised next."""
        text = "attempt %d/%d failed: %s: %s"
        self._logger.error(text, attempt, self._max_attempts, type(error).__name__, error.reason)


def hush_libraries() -> None:
    """Keep what lies below from logging URLs and headers, unless somebody asked it to."""
    for name in _LIBRARIES:
        logger = logging.getLogger(name)
        if logger.level == logging.NOTSET:
            logger.setLevel(logging.WARNING)
