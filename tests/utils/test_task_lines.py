from utils.task_lines import current_lines, lines_to


def test_lines_go_to_the_call_that_runs_and_to_none_when_it_is_over() -> None:
    first: list[object] = []
    second: list[object] = []
    assert current_lines() is None
    with lines_to(first.append, debug=True):
        made_in = current_lines()
        assert made_in is not None
        assert made_in.debug
        with lines_to(second.append, debug=False):
            inner = current_lines(made_in)
            assert inner is not None
            inner.add("in the second")
        assert current_lines() is made_in
    assert (first, second) == ([], ["in the second"])
    assert current_lines(made_in) is None
