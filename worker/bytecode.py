"""Compiles the packages of environments once, in the background, so that no job has to."""

import threading
import time
from collections.abc import Callable, Iterable
from contextlib import closing

import structlog

from worker.environment import Environment
from worker.errors import WorkerError
from worker.launcher import Command, Launcher

COMPILED_NAME = "compiled"
COMPILE_SECONDS = 600.0
LOOK_SECONDS = 0.1
_COMPILE = (
    "import compileall, os, sys; os.nice(19); "
    "[compileall.compile_dir(folder, quiet=2) for folder in sys.argv[1:]]"
)

log = structlog.get_logger()


class Compiling:
    """One thread that compiles what `environments` lists and was not compiled yet.

    A job never writes bytecode itself: what jobs share is written by the worker alone. A worker
    killed half-way leaves whole files and no mark, and the next one goes on.
    """

    def __init__(
        self, launcher: Launcher, environments: Callable[[], Iterable[Environment]]
    ) -> None:
        self._launcher = launcher
        self._environments = environments
        self._asked = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="compiling", daemon=True)

    def start(self) -> None:
        """Begin to compile when asked."""
        self._thread.start()

    def ask(self) -> None:
        """Ask for a look at the environments; returns at once."""
        self._asked.set()

    def stop(self) -> None:
        """End the thread, and what it compiles."""
        self._stopping.set()
        self._asked.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        while True:
            self._asked.wait()
            self._asked.clear()
            for environment in {one.key: one for one in self._environments()}.values():
                if self._stopping.is_set():
                    return
                self._compile_once(environment)
            if self._stopping.is_set():
                return

    def _compile_once(self, environment: Environment) -> None:
        mark = environment.path / COMPILED_NAME
        if mark.exists():
            return
        started = time.monotonic()
        try:
            with environment.in_use():
                if self._compile(environment):
                    mark.touch()
                    seconds = round(time.monotonic() - started, 3)
                    log.info("environment compiled", key=environment.key, seconds=seconds)
        except (WorkerError, OSError) as error:
            log.warning(
                "environment not compiled",
                key=environment.key,
                reason=str(error),
                advice="nothing to do: its jobs only start slower",
            )

    def _compile(self, environment: Environment) -> bool:
        """Run the compiler to its end; False when it was stopped or could not start."""
        folders = map(str, (environment.path / "lib").glob("python*/site-packages"))
        command = Command(
            # -S: packages may run code as soon as they are found, and this is no sandbox.
            argv=(str(environment.python), "-I", "-S", "-c", _COMPILE, *folders),
            env={"LANG": "C.UTF-8"},
            cwd=environment.path,
        )
        give_up = time.monotonic() + COMPILE_SECONDS
        with closing(self._launcher.spawn(command, b"")) as running:
            while not self._stopping.is_set() and time.monotonic() < give_up:
                running.feed()
                ended = running.wait(LOOK_SECONDS)
                if ended is not None:
                    return ended.signal is None
            running.kill()
            running.wait(COMPILE_SECONDS)
        return False
