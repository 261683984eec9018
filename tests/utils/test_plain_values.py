import pytest

from utils.plain_values import is_flag, is_plain


@pytest.mark.parametrize("text", ["true", "False", " no ", "null", "5", "443", "Disabled"])
def test_what_switches_or_counts_is_a_flag(text: str) -> None:
    assert is_flag(text)
    assert is_plain(text)


@pytest.mark.parametrize("text", ["2026-11-20", "2026-11-20T18:00:00.123Z", "2026-11-20 18:00 UTC"])
def test_a_date_is_plain(text: str) -> None:
    assert is_plain(text)
    assert not is_flag(text)


@pytest.mark.parametrize("text", ["", "abc", "1234", "truest", "2026-11-20-x", "٣٣٣٣"])
def test_other_texts_may_be_secrets(text: str) -> None:
    assert not is_plain(text)
