import pytest

from bench.__main__ import MODULES, main


def test_an_unknown_benchmark_is_answered_with_those_there_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["peer"]) == 2
    told = capsys.readouterr().err
    assert "no benchmark 'peer'" in told
    assert all(name in told for name in MODULES)
