"""Prefect 3 with a work pool of processes: a server and a worker, on SQLite."""

from bench.peers.driver import Driver
from bench.peers.peer import WORK, Home, Peer
from bench.peers.processes import answers, free_port

SERVER_SECONDS = 90.0
_FLOW = f"""\
from prefect import flow


@flow(persist_result=True)
def look():
    {WORK}
    return {{"answer": 42}}


if __name__ == "__main__":
    source = flow.from_source(source=".", entrypoint="look.py:look")
    source.deploy(name="bench", work_pool_name="bench", print_next_steps=False)
"""
_DRIVER = """
from prefect.client.orchestration import get_client
from prefect.deployments import run_deployment

def ready():
    def submit():
        run = run_deployment("look/bench", timeout=60, poll_interval=0.05)
        return run.state.result()
    submit()
    return submit
"""


def start(home: Home) -> Driver:
    """Start a server and a worker that asks it for work ten times a second."""
    port = free_port()
    (home.directory / "look.py").write_text(_FLOW, "utf-8")
    home.processes.set_environment(
        {
            "PREFECT_HOME": str(home.directory / "home"),
            "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "DO_NOT_TRACK": "1",
            "PREFECT_LOGGING_LEVEL": "WARNING",
            "PREFECT_WORKER_QUERY_SECONDS": "0.1",
        }
    )
    prefect, pool = home.program("prefect"), ("--type", "process")
    home.processes.start(prefect, "server", "start", "--host", "127.0.0.1", "--port", str(port))
    home.processes.wait_until(lambda: answers(port), SERVER_SECONDS, "its server")
    home.processes.run(prefect, "work-pool", "create", "bench", *pool)
    home.processes.run(str(home.python), "look.py")
    home.processes.start(prefect, "worker", "start", "--pool", "bench", *pool)
    return home.drive(_DRIVER)


PREFECT = Peer("prefect", "Prefect 3, process pool asked every 100 ms", "prefect", 5, start)
