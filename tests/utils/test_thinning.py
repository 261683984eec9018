from utils.thinning import Thinning


def test_a_long_task_is_told_of_rarely_and_its_end_once() -> None:
    thinning = Thinning()
    told = [now for now in range(3600) if thinning.is_told(now, 4000, float(now))]
    assert told[:6] == [0, 1, 3, 7, 15, 31]
    assert 100 < len(told) < 130
    ends = [thinning.is_told(4000, 4000, 3599.5) for _ in range(3)]
    assert ends == [True, False, False]


def test_without_a_total_there_is_no_end() -> None:
    thinning = Thinning()
    assert [thinning.is_told(done, None, 0.0) for done in range(3)] == [True, False, False]
