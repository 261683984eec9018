"""What was recorded of the loopback API, as if the public one had said it."""

import json
from pathlib import Path
from typing import Any

from tests.integrations.github.loopback_api import LoopbackApi

OF_A_RUN = {"date", "server"}  # headers that differ from run to run


def published(recording: Path, api: LoopbackApi) -> dict[str, Any]:
    """Return the exchanges of a folder by the names of their files."""
    return {path.name: _published(path, api) for path in sorted(recording.glob("*.json"))}


def _published(path: Path, api: LoopbackApi) -> Any:
    exchange = json.loads(path.read_text().replace(api.url, "https://api.github.com"))
    headers = exchange["response"]["headers"]
    exchange["response"]["headers"] = {
        name: value for name, value in headers.items() if name not in OF_A_RUN
    }
    return exchange
