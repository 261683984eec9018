import pickle

import pytest

from utils import errors


def test_text_joins_reason_and_advice() -> None:
    error = errors.SourceError("it is gone", "bring it back")
    assert (error.reason, error.advice) == ("it is gone", "bring it back")
    assert str(error) == "it is gone; bring it back"
    assert str(errors.TruelineError("alone")) == "alone"


@pytest.mark.parametrize(
    "kind",
    [
        errors.AuthoringError,
        errors.UpstreamFailed,
        errors.SettingsError,
        errors.SourceError,
        errors.ManifestError,
    ],
)
def test_every_error_is_one_of_ours_and_survives_pickling(
    kind: type[errors.TruelineError],
) -> None:
    error = kind("reason", "advice")
    assert isinstance(error, errors.TruelineError)
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), copy.reason, copy.advice) == (kind, "reason", "advice")


def test_an_invalid_result_leads_to_the_value() -> None:
    error = errors.InvalidResult("data.items[3]", "NaN is not JSON", "use None")
    assert error.path == "data.items[3]"
    assert str(error) == "invalid result: data.items[3]: NaN is not JSON; use None"
