"""What connects a request with all that happens because of it, from the caller to a job's child."""

import re
from dataclasses import dataclass

_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")


@dataclass(frozen=True)
class Correlation:
    """The request's name, and its place in a trace (W3C Trace Context); each may be unknown."""

    request_id: str | None = None
    traceparent: str | None = None

    def for_logs(self) -> dict[str, str]:
        """Return what log lines about it say."""
        said = {"request_id": self.request_id, "trace_id": trace_id_of(self.traceparent)}
        return {name: value for name, value in said.items() if value}


UNRELATED = Correlation()


def read_traceparent(header: str) -> str | None:
    """Return a caller's `traceparent` as it may be passed on; None where it says nothing usable."""
    found = _TRACEPARENT.fullmatch(header.strip())
    if found is None:
        return None
    version, trace_id, span_id, flags, more = found.groups()
    if version == "ff" or (version == "00" and more):
        return None
    if not (trace_id.strip("0") and span_id.strip("0")):
        return None
    return f"00-{trace_id}-{span_id}-{flags}"


def trace_id_of(traceparent: str | None) -> str | None:
    """Return the name of the trace that a usable `traceparent` speaks of."""
    return traceparent.split("-")[1] if traceparent else None
