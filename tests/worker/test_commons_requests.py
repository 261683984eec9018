import json

import pytest

from utils.commons import VALUE_BYTES
from utils.token_bucket import bucket_name
from worker.commons_requests import Drop, Keys, Reserve, read_request

NAME = bucket_name("https://h", "t")


def test_a_request_is_read() -> None:
    line = json.dumps({"do": "reserve", "name": NAME, "capacity": 20, "refill": 1, "longest": 30})
    assert read_request(line.encode()) == Reserve(
        do="reserve", name=NAME, capacity=20, refill=1, longest=30
    )
    assert read_request(b'{"do": "keys"}') == Keys(do="keys", after="")
    assert read_request(b'{"do": "drop", "keys": ["a"]}') == Drop(do="drop", keys=["a"])


@pytest.mark.parametrize(
    "change",
    [
        {"name": NAME[:-1]},
        {"name": NAME[:-1] + "\n"},
        {"capacity": 0},
        {"capacity": 1e9},
        {"refill": 0},
        {"refill": float("nan")},
        {"longest": -1},
        {"longest": 1e9},
        {"whose": "second"},
    ],
)
def test_what_is_out_of_bounds_makes_no_sense(change: dict[str, object]) -> None:
    request = {"do": "reserve", "name": NAME, "capacity": 20, "refill": 1, "longest": 30}
    assert read_request(json.dumps(request | change).encode()) is None


@pytest.mark.parametrize(
    "request_",
    [
        {"do": "set", "key": "k", "value": "x" * (VALUE_BYTES + 1), "ttl": 1},
        {"do": "set", "key": "k" * 501, "value": "", "ttl": 1},
        {"do": "get", "key": ""},
        {"do": "drop", "keys": ["k"] * 501},
        {"do": "claim", "key": "k", "seconds": 1e6},
        {"do": "release", "key": "k", "token": "t" * 100},
        {"do": "eval"},
        {},
    ],
)
def test_what_is_too_large_makes_no_sense(request_: dict[str, object]) -> None:
    assert read_request(json.dumps(request_).encode()) is None
