from datetime import UTC, datetime, timedelta

import pytest

from api.database import Database
from api.kept_answers import (
    KEPT_FOR,
    KeptAnswer,
    Key,
    claim_key,
    forget_answers,
    keep_answer,
    read_answer,
)
from api.problems import Unprocessable

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
KEY = Key("ada", "jobs.start", "k", "a" * 64)
ANSWER = KeptAnswer(202, "/api/v1/jobs/1", b"{}")


@pytest.fixture
def kept(database: Database) -> Database:
    with database.write() as connection:
        assert claim_key(connection, KEY, NOON) is None
        keep_answer(connection, KEY, ANSWER)
    return database


def test_kept_answer_belongs_to_its_caller_and_route(kept: Database) -> None:
    with kept.read() as connection:
        assert read_answer(connection, KEY, NOON) == ANSWER
        for other in (Key("bob", KEY.route, "k", "a" * 64), Key("ada", "other", "k", "a" * 64)):
            assert read_answer(connection, other, NOON) is None
        with pytest.raises(Unprocessable, match="another request"):
            read_answer(connection, Key("ada", "jobs.start", "k", "b" * 64), NOON)


def test_key_is_taken_once(kept: Database) -> None:
    with kept.write() as connection:
        assert claim_key(connection, KEY, NOON) == ANSWER


def test_key_is_free_again_after_its_time(kept: Database) -> None:
    later = NOON + KEPT_FOR
    with kept.write() as connection:
        assert read_answer(connection, KEY, later - timedelta(seconds=1)) == ANSWER
        assert read_answer(connection, KEY, later) is None
        assert claim_key(connection, KEY, later) is None


def test_answers_are_forgotten_after_their_time(kept: Database) -> None:
    with kept.write() as connection:
        assert forget_answers(connection, NOON + KEPT_FOR - timedelta(seconds=1)) == 0
        assert forget_answers(connection, NOON + KEPT_FOR) == 1
        assert forget_answers(connection, NOON + KEPT_FOR) == 0
