"""How long ago something was, from the dates that the API writes."""

from datetime import UTC, datetime


def moment(text: str | None) -> datetime | None:
    """Return the moment that a text tells; None where it tells none."""
    try:
        told = datetime.fromisoformat((text or "").replace(" UTC", "+00:00").strip())
    except ValueError:
        return None
    return told if told.tzinfo else told.replace(tzinfo=UTC)


def days_since(text: str | None, now: datetime) -> int | None:
    """Return the whole days from then to now; None where no moment is told."""
    then = moment(text)
    return None if then is None else (now - then).days
