import pytest

from utils.errors import ManifestError
from utils.json_bounds import DEPTH_LIMIT, VALUE_LIMIT, check_bounds


def nested(levels: int) -> object:
    value: object = 0
    for _ in range(levels):
        value = [value]
    return value


def test_what_is_too_deep_for_a_stack_is_refused() -> None:
    with pytest.raises(ManifestError, match="levels deep"):
        check_bounds(nested(100_000), "the thing", ManifestError)


def test_sane_json_passes() -> None:
    check_bounds({"a": [1, None, True, "text ü 🐍"]}, "it", ManifestError)
    check_bounds(nested(DEPTH_LIMIT - 1), "it", ManifestError)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (nested(DEPTH_LIMIT), "levels deep"),
        ([0] * VALUE_LIMIT, "values"),
        ({"a": "\x00"}, "NUL"),
        ({"\x00": 1}, "NUL"),
        (["\udc00"], "surrogate"),
    ],
)
def test_what_is_out_of_bounds_is_refused(value: object, reason: str) -> None:
    with pytest.raises(ManifestError, match=reason) as refused:
        check_bounds(value, "the thing", ManifestError)
    assert refused.value.reason.startswith("the thing")
    assert refused.value.advice
