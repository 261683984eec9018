"""Airflow 3 with its LocalExecutor: API server, scheduler and DAG processor, on SQLite."""

from collections.abc import Callable

from bench.peers.driver import Driver
from bench.peers.peer import WORK, Home, Peer
from bench.peers.processes import answers, free_port

SERVER_SECONDS = 90.0
_DAG = f"""\
from airflow.sdk import dag, task


@dag(dag_id="look", schedule=None, catchup=False)
def flow():
    @task
    def look():
        {WORK}
        return {{"answer": 42}}

    look()


flow()
"""
_DRIVER = """
import httpx

def ready(address):
    token = httpx.get(address + "/auth/token").json()["access_token"]
    headers = {"Authorization": "Bearer " + token}
    api = httpx.Client(base_url=address + "/api/v2", headers=headers, timeout=30)
    while api.get("/dags/look").status_code != 200:
        time.sleep(0.1)

    def submit():
        asked = api.post("/dags/look/dagRuns", json={"logical_date": None})
        run = "/dags/look/dagRuns/" + asked.raise_for_status().json()["dag_run_id"]
        while (state := api.get(run).json()["state"]) not in ("success", "failed"):
            time.sleep(0.01)
        if state == "failed":
            raise SystemExit("the run failed")
        return api.get(run + "/taskInstances/look/xcomEntries/return_value").json()["value"]

    submit()
    return submit
"""


def start(home: Home, variables: dict[str, str]) -> Driver:
    """Make its database and start its three servers."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    dags = home.directory / "dags"
    dags.mkdir()
    (dags / "look.py").write_text(_DAG, "utf-8")
    home.processes.set_environment(
        {
            "AIRFLOW_HOME": str(home.directory),
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{address}/execution/",
            "AIRFLOW__CORE__PARALLELISM": "2",
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": str(port),
            "AIRFLOW__API__BASE_URL": address,
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__API_AUTH__JWT_SECRET": "of-a-server-on-loopback-that-lives-for-a-minute" * 2,
            **variables,
        }
    )
    airflow = home.program("airflow")
    home.processes.run(airflow, "db", "migrate")
    for server in ("api-server", "scheduler", "dag-processor"):
        home.processes.start(airflow, server)
    home.processes.wait_until(lambda: answers(port), SERVER_SECONDS, "its API")
    return home.drive(_DRIVER, address)


def _with(**variables: str) -> Callable[[Home], Driver]:
    return lambda home: start(home, variables)


AIRFLOW = Peer("airflow", "Airflow 3, LocalExecutor, as installed", "airflow", 7, _with(), goal=300)
EAGER_AIRFLOW = Peer(
    "airflow-eager",
    "Airflow 3, its scheduler looking every 50 ms",
    "airflow",
    7,
    _with(AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME="0.05"),
)
