"""Keeps labels of metrics from growing without bound."""

OTHER = "other"


class BoundedLabel:
    """Passes on so many different values; later ones become `other`."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: set[str] = set()

    def __call__(self, value: str) -> str:
        """Return the value as a label."""
        if value in self._known:
            return value
        if len(self._known) >= self._most:
            return OTHER
        self._known.add(value)
        return value
