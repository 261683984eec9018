import logging
import pickle
from concurrent.futures import ThreadPoolExecutor

import pytest

from utils.task_lines import lines_to
from utils.task_logger import TaskLogger


def test_a_logger_writes_to_the_task_that_uses_it(caplog: pytest.LogCaptureFixture) -> None:
    made_outside = TaskLogger("trueline.integration.x")
    first: list[object] = []
    second: list[object] = []
    with lines_to(first.append, debug=False):
        made_inside = TaskLogger("trueline.integration.x")
        with ThreadPoolExecutor(1) as pool:
            pool.submit(made_inside.info, "in a %s", "thread").result()
        made_outside.info("here")
        made_outside.debug("not kept")
    with lines_to(second.append, debug=True):
        made_inside.debug("kept")
    assert first == ["INFO in a thread", "INFO here"]
    assert second == ["DEBUG kept"]
    made_inside.warning("in no task")
    made_inside.info("nobody asked")
    assert caplog.messages == ["in no task"]
    assert caplog.records[0].name == "trueline.integration.x"
    assert pickle.loads(pickle.dumps(made_inside)).name == made_inside.name


def test_its_own_level_and_that_of_all_loggers_hold() -> None:
    lines: list[object] = []
    with lines_to(lines.append, debug=False):
        logger = TaskLogger("trueline.x")
        logger.setLevel(logging.ERROR)
        logger.warning("too little")
        logger.error("enough")
        logging.disable(logging.ERROR)
        try:
            logger.error("switched off")
        finally:
            logging.disable(logging.NOTSET)
    assert lines == ["ERROR enough"]
