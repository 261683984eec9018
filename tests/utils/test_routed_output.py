import io
import logging
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from utils.routed_output import LONGEST_LINE, RoutedOutput

Streams = tuple[io.TextIOWrapper, io.TextIOWrapper]
OpenStreams = Callable[[], Streams]


@pytest.fixture
def open_streams(monkeypatch: pytest.MonkeyPatch) -> OpenStreams:
    """Stand in, from the call on, for the two streams that Python has opened itself."""

    def opened() -> Streams:
        streams = tuple(io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
        for name, stream in zip(("stdout", "stderr"), streams, strict=True):
            monkeypatch.setattr(sys, name, stream)
            monkeypatch.setattr(sys, f"__{name}__", stream)
        return streams[0], streams[1]

    return opened


def text_of(stream: io.TextIOWrapper) -> str:
    stream.flush()
    content = stream.buffer
    assert isinstance(content, io.BytesIO)
    return content.getvalue().decode()


def test_each_line_has_the_name_of_its_task(open_streams: OpenStreams) -> None:
    written = open_streams()
    with RoutedOutput() as output:
        with output.marked("one"):
            print("a", "b", sep="\n")
            sys.stderr.write("oops\n")
        print("nobody's")
    assert text_of(written[0]) == "[one] a\n[one] b\nnobody's\n"
    assert text_of(written[1]) == "[one] oops\n"


def test_pieces_of_lines_wait_for_their_end(open_streams: OpenStreams) -> None:
    written = open_streams()
    with RoutedOutput() as output:
        for piece in ("be", "gun"):
            for task in ("one", "two"):
                with output.marked(task):
                    print(piece, end="", flush=True)
        assert text_of(written[0]) == ""
        output.end_line("two")
        output.end_line("two")
        with output.marked("one"):
            print()
    assert text_of(written[0]) == "[two] begun\n[one] begun\n"


def test_a_line_without_end_is_broken(open_streams: OpenStreams) -> None:
    written = open_streams()
    with RoutedOutput() as output, output.marked("one"):
        sys.stdout.write("x" * (2 * LONGEST_LINE + 1))
        output.end_line("one")
    assert [len(line) for line in text_of(written[0]).splitlines()] == [
        LONGEST_LINE + 6, LONGEST_LINE + 6, 7
    ]  # fmt: skip


def run_in_pool(call: Callable[[], None]) -> None:
    with ThreadPoolExecutor(1) as pool:
        pool.submit(call).result()


def run_in_thread(call: Callable[[], None]) -> None:
    thread = threading.Thread(target=call)
    thread.start()
    thread.join()


def run_two_deep(call: Callable[[], None]) -> None:
    run_in_thread(lambda: run_in_thread(call))


@pytest.mark.parametrize("run", [run_in_pool, run_in_thread, run_two_deep])
def test_threads_that_a_task_starts_belong_to_it(
    run: Callable[[Callable[[], None]], None], open_streams: OpenStreams
) -> None:
    written = open_streams()
    with RoutedOutput() as output:
        with output.marked("one"):
            run(lambda: print("from below"))
        run(lambda: print("from nobody's"))
    assert text_of(written[0]) == "[one] from below\nfrom nobody's\n"


def test_a_log_handler_made_before_is_routed_too(open_streams: OpenStreams) -> None:
    written = open_streams()
    handler = logging.StreamHandler()
    record = logging.makeLogRecord({"msg": "careful"})
    with RoutedOutput() as output, output.marked("one"):
        handler.handle(record)
    handler.handle(record)
    assert text_of(written[1]) == "[one] careful\ncareful\n"


def test_all_is_as_before_once_it_is_left(open_streams: OpenStreams) -> None:
    written = open_streams()
    start = threading.Thread.start
    with RoutedOutput():
        assert threading.Thread.start is not start
    assert threading.Thread.start is start
    assert "write" not in vars(written[0])


def test_lines_of_many_threads_stay_whole(open_streams: OpenStreams) -> None:
    written = open_streams()
    with RoutedOutput() as output:

        def talk(task: str) -> None:
            with output.marked(task):
                for number in range(200):
                    print(task, number)

        threads = [threading.Thread(target=talk, args=(f"t{n}",)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    expected = {f"[t{n}] t{n} {number}" for n in range(8) for number in range(200)}
    lines = text_of(written[0]).splitlines()
    assert len(lines) == len(expected)
    assert set(lines) == expected


def test_a_closed_stream_fails_as_it_would(open_streams: OpenStreams) -> None:
    written = open_streams()
    with RoutedOutput() as output, output.marked("one"):
        sys.stdout.write("held")
        written[0].close()
        with pytest.raises(ValueError, match="closed"):
            print("x")
        output.end_line("one")


def test_what_is_no_text_is_refused_as_ever(open_streams: OpenStreams) -> None:
    written = open_streams()
    with (
        RoutedOutput() as output,
        output.marked("one"),
        pytest.raises(TypeError, match="must be str"),
    ):
        written[0].write(b"bytes")  # type: ignore[arg-type]  # what a plugin may do
