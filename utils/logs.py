"""How the worker and the API log: one structured line an event, text on a terminal, else JSON."""

import logging
import sys
from typing import Literal, TextIO

import structlog

_LINES = {"\n", "\t"}


def configure_logs(log_format: str, stream: TextIO | None = None) -> Literal["json", "text"]:
    """Set up structlog and the standard library's logging for one process; return the format.

    `log_format` is `json`, `text`, or empty for text on a terminal and JSON elsewhere. `stream`
    is standard error unless given.
    """
    stream = stream or sys.stderr
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    in_use = _format(log_format, stream)
    last = _renderers(in_use, stream)
    structlog.configure(
        processors=[*shared, *last],
        logger_factory=structlog.WriteLoggerFactory(file=stream),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
            foreign_pre_chain=shared,
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    return in_use


def _format(log_format: str, stream: TextIO) -> Literal["json", "text"]:
    if log_format == "json" or (not log_format and not stream.isatty()):
        return "json"
    return "text"


def _renderers(log_format: str, stream: TextIO) -> list[structlog.types.Processor]:
    if log_format == "json":
        return [structlog.processors.JSONRenderer()]
    # Plain tracebacks: the pretty ones show local variables, and with them secrets.
    console = structlog.dev.ConsoleRenderer(
        colors=stream.isatty(), exception_formatter=structlog.dev.plain_traceback
    )
    return [_neutralise, console]


def _neutralise(
    _logger: structlog.types.WrappedLogger, _method: str, event: structlog.types.EventDict
) -> structlog.types.EventDict:
    """Escape what could forge a line or steer a terminal; tracebacks keep their lines."""
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = _escaped(value, _LINES if key == "exception" else set())
    return event


def _escaped(text: str, kept: set[str]) -> str:
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() or one in kept else repr(one)[1:-1] for one in text)
