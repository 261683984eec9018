import subprocess
import sys


def test_garbage_is_collected_again_once_the_server_is_imported() -> None:
    code = "import gc, api.__main__; print(gc.isenabled())"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "False"
    code = "import gc, runpy, sys; sys.argv = ['api', '--help']\n"
    code += "try: runpy.run_module('api', run_name='__main__')\n"
    code += "except SystemExit: print(gc.isenabled(), gc.get_freeze_count() > 10_000)"
    said = subprocess.check_output([sys.executable, "-c", code], text=True, timeout=60)
    assert said.strip().endswith("True True")
