from flask.testing import FlaskClient

from api.state import State
from api.tables import integrations

URL = "/api/v1/integrations"


def test_integration_shows_its_entry_and_its_state(registered: FlaskClient) -> None:
    shown = registered.get(f"{URL}/dns").get_json()
    assert shown["schema"]["required"] == ["token"]
    assert (shown["title"], shown["state"], shown["tasks"]) == ("DNS", "registered", None)
    assert registered.get(URL).get_json() == {"items": [shown], "next_cursor": None}


def test_who_found_a_problem_is_not_shown(registered: FlaskClient, state: State) -> None:
    problem = {"reason": "r", "advice": "a", "by": "worker"}
    with state.database.write() as connection:
        connection.execute(integrations.update().values(problem=problem))
    assert registered.get(f"{URL}/dns").get_json()["problem"] == {"reason": "r", "advice": "a"}


def test_unknown_integration_gets_a_suggestion(registered: FlaskClient) -> None:
    answer = registered.get(f"{URL}/dnss")
    assert answer.status_code == 404
    assert "did you mean 'dns'" in answer.get_json()["detail"]
    assert "init-integrations" in answer.get_json()["advice"]
