"""Meltano: `meltano invoke` of a utility, which is a fresh interpreter."""

import json

from bench.peers.driver import Driver
from bench.peers.peer import ANSWER, WORK, Home, Peer

_PROJECT = """\
project_id: 00000000-0000-4000-8000-000000000000
send_anonymous_usage_stats: false
plugins:
  utilities:
  - name: look
    namespace: look
    executable: {interpreter}
"""
_DRIVER = """
import subprocess

def ready(*command):
    def submit():
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
        return json.loads(done.stdout)
    submit()
    return submit
"""


def start(home: Home) -> Driver:
    """Write a project of one utility."""
    project = _PROJECT.format(interpreter=home.interpreter)
    (home.directory / "meltano.yml").write_text(project, "utf-8")
    home.processes.set_environment({"MELTANO_SEND_ANONYMOUS_USAGE_STATS": "false"})
    code = f"{WORK}; print('{json.dumps(ANSWER)}')"
    return home.drive(_DRIVER, home.program("meltano"), "invoke", "look", "-I", "-c", code)


MELTANO = Peer("meltano", "meltano invoke", "meltano", 7, start, goal=300)
