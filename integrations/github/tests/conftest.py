"""Answers of the API that a test makes up, beside those that are recorded."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from utils.testing import Exchanges

API = "https://api.github.com"
Plays = Callable[..., Exchanges]


@pytest.fixture
def plays(tmp_path: Path) -> Plays:
    """Return a function that makes exchanges of `{path with query: (status, body)}`."""

    def play(answers: Mapping[str, tuple[int, Any]], **headers: str) -> Exchanges:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        for number, (path, (status, body)) in enumerate(answers.items(), 1):
            told = {"message": body} if isinstance(body, str) else body
            request: Any = {"method": "GET", "url": API + path, "headers": {}, "body": None}
            response = {"status": status, "headers": sent, "body": {"json": told}}
            exchange = {"format": 1, "task": "", "request": request, "response": response}
            (tmp_path / f"{number:04}-GET.json").write_text(json.dumps(exchange))
        return Exchanges(tmp_path)

    return play
