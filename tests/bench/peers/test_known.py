import pytest

from bench.peers import airflow, celery, meltano, prefect
from bench.peers.known import PEERS

CODE = {
    "airflow": (airflow._DAG, airflow._DRIVER),
    "celery": (celery._TASKS.format(url="", work="import json", interpreter=""), celery._DRIVER),
    "meltano": (meltano._DRIVER,),
    "prefect": (prefect._FLOW, prefect._DRIVER),
}


def test_each_peer_has_a_name_of_its_own() -> None:
    assert len({peer.name for peer in PEERS}) == len(PEERS)


@pytest.mark.parametrize("name", CODE)
def test_what_runs_in_a_peers_environment_is_python(name: str) -> None:
    for code in CODE[name]:
        compile(code, name, "exec")


def test_the_goals_are_those_that_are_set() -> None:
    goals = {peer.name: peer.goal for peer in PEERS if peer.goal is not None}
    assert goals == {"celery": 15, "meltano": 300, "airflow": 300}
